"""Small files that several programs share: a reader never sees half of one."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any


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


def read_object(path: Path) -> dict[str, Any]:
    """The JSON object in a file; empty where there is none, or what is there makes no sense."""
    try:
        body = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return body if isinstance(body, dict) else {}
