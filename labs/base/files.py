"""Write a file so that a reader never sees half of it."""

from __future__ import annotations

import os
from pathlib import Path


def write_atomically(path: Path, text: str, private: bool = False) -> None:
    """Write `text` beside `path` and move it into place. `private`: only its owner may read it."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        if private:
            draft.touch(mode=0o600)
        draft.write_text(text, "utf-8")
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
