"""What is made once for all, in the cache: it appears only when it is whole."""

from __future__ import annotations

import glob
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

from labs.supervise.home import make_writable, require_space, writing


def make_once(place: Path, make: Callable[[Path], object], megabytes: int = 0) -> None:
    """Make a folder unless it is there; another process may be about to do the same.

    Args:
        place: the folder.
        make: makes it at another place, which does not exist yet.
        megabytes: the room that all of it takes, MB.

    Raises:
        LabsError: no space, or nothing can be written there; and what `make` raises.
    """
    if place.exists():
        return
    folder = place.parent
    make_writable(folder, "LABS_CACHE")
    require_space(folder, megabytes, "LABS_CACHE")
    with writing(folder, "LABS_CACHE"), FileLock(folder / f"{place.name}.lock"):
        if not place.exists():
            with draft_of(place) as draft:
                make(draft)
                draft.replace(place)


@contextmanager
def draft_of(place: Path) -> Iterator[Path]:
    """Where `place` is made, to be moved there once it is whole; it does not exist yet.

    Drafts of those who were killed at it are removed: whoever makes the same place holds a lock.
    """
    prefix = f"making-{place.name}-"
    for left in place.parent.glob(f"{glob.escape(prefix)}*"):
        shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=prefix, dir=place.parent) as work:
        yield Path(work, place.name)
