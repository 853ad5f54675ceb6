"""Start a server in the background, so that it is ready when somebody asks for it."""

from __future__ import annotations

import contextlib
import threading

from labs.base.errors import LabsError
from labs.base.progress import Tell
from labs.base.words import Words
from labs.services.known import service

words = Words(__file__)

#: How often whoever waits for a start looks what it says, s.
HEAR_EVERY_S = 0.2


class _Start(threading.Thread):
    """A start that is under way. `said`: what it has said last."""

    def __init__(self, name: str) -> None:
        super().__init__(name=f"start-{name}", daemon=True)
        self.said: tuple[str, float | None] | None = None
        self.service = service(name, self._say)

    def _say(self, text: str, fraction: float | None = None) -> None:
        self.said = text, fraction

    def run(self) -> None:
        """Start it. An error is not told: whoever asks for the server starts it again."""
        with contextlib.suppress(LabsError):
            self.service.start()


#: The starts that are under way in this process.
_under_way: dict[str, _Start] = {}


def start_ahead(name: str) -> str:
    """Begin to start a server, and return at once: what is downloaded, if anything is, else "".

    An error is not told here: whoever asks for the server starts it again, and hears it.

    Raises:
        BadInput: there is none of that name.
    """
    start = _Start(name)
    if name in _under_way and _under_way[name].is_alive():
        return ""
    server = start.service.server
    size_mb = server.to_download_mb
    _under_way[name] = start
    start.start()
    return words("fetching.background", product=server.product, mb=size_mb) if size_mb else ""


def hear(name: str, tell: Tell) -> None:
    """Where that server is being started in the background: wait for it, and tell what it says.

    It is told by whoever waits: what another thread prints, a notebook shows below another cell.
    """
    start = _under_way.get(name)
    while start and start.is_alive():
        if start.said:
            tell(*start.said)
        start.join(HEAR_EVERY_S)
