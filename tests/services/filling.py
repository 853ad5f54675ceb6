"""A program: fetch each part of each server onto a disk that fills up; print what is said.

It mounts that disk at `LABS_CACHE`, so it needs mounts of its own. That there is enough room is
taken for granted: so there was when it began.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from pathlib import Path

import pytest

from labs.base.errors import LabsError
from labs.base.progress import silent
from labs.kafka.choose import chosen
from labs.services.known import known
from labs.supervise import locked, making
from tests.services.sources import Web, give

#: Some folders, and no file that is worth a download, bytes.
DISK = "size=12k"


def main() -> None:
    """Print a list of products, each with the sentence in which one of its parts was told of."""
    with Web() as web, pytest.MonkeyPatch.context() as patch:
        patch.setattr(locked, "PAUSE_S", 0.0)
        for module in (making, locked):
            patch.setattr(module, "require_space", lambda *_: None)
        told = [
            (server.product, said_of(name, place, web))
            for name, server in known().items()
            for place in range(len(server.parts))
        ]
        web.shutdown()
    print(json.dumps(told))


def said_of(name: str, place: int, web: Web) -> str:
    """What is said where a part finds no room."""
    disk = os.environ["LABS_CACHE"]
    subprocess.run(["mount", "-t", "tmpfs", "-o", DISK, "tmpfs", disk], check=True)
    try:
        with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder:
            server = known()[name](Path(folder, "home"), lambda: chosen(hold=False))
            patch.setattr(server, "parts", (server.parts[place],))
            give(server.parts[0], web, Path(folder), patch).put(True)
            server.provide(silent)
            return ""
    except LabsError as error:
        return str(error)
    finally:
        subprocess.run(["umount", disk], check=True)


if __name__ == "__main__":
    main()
