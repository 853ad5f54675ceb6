"""Start a server in the background, so that it is ready when somebody asks for it."""

from __future__ import annotations

import threading

from labs.base.errors import LabsError
from labs.services.known import service

#: The starts that are under way in this process.
_under_way: dict[str, threading.Thread] = {}


def start_ahead(name: str) -> None:
    """Begin to start a server, and return at once.

    An error is not told here: whoever asks for the server starts it again, and hears it.

    Raises:
        BadInput: there is none of that name.
    """
    one = service(name)
    if name in _under_way and _under_way[name].is_alive():
        return

    def begin() -> None:
        try:
            one.start()
        except LabsError:
            return

    _under_way[name] = threading.Thread(target=begin, name=f"start-{name}", daemon=True)
    _under_way[name].start()
