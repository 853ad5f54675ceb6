"""Standard streams on which no write fails: a character may be unknown, the reader may be gone.

A command does its work, even where nobody can read what it prints about it.
"""

from __future__ import annotations

import codecs
import errno
import json
import locale
import os
import select
import sys
from typing import Any, TextIO, cast

from labs.base.errors import LabsError
from labs.base.words import Words

words = Words(__file__)

#: What is written for a character that a terminal can't show (EUC-KR, ASCII); else `?`.
PLAIN = {
    "●": "*",
    "○": "o",
    "❚": "|",
    "✕": "x",
    "✓": "+",
    "✗": "x",
    "→": "->",
    "…": "...",
    "–": "-",
    "—": "-",
    "·": ".",
    "’": "'",
    "“": '"',
    "”": '"',
}


def _plain(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    unshown = error.object[error.start : error.end]
    return "".join(PLAIN.get(sign, "?") for sign in unshown), error.end


codecs.register_error("labs.plain", _plain)


class Stream:
    """A text stream on which no write fails. `lost`: the error of the first one that was lost.

    It has no `buffer`, so that click writes to it as it is.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.lost: OSError | None = None

    def write(self, text: str | bytes) -> int:
        """Write it, if that is possible; bytes are UTF-8 (click's completion scripts)."""
        if isinstance(text, bytes):
            text = text.decode()
        try:
            return self._stream.write(text)
        except OSError as error:
            self._lose(error)
            return len(text)

    def flush(self) -> None:
        """Have it written, if that is possible."""
        try:
            self._stream.flush()
        except OSError as error:
            self._lose(error)

    def _lose(self, error: OSError) -> None:
        """Remember why, and write nothing more: else Python itself would fail as it ends."""
        self.lost = error
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._stream.fileno())
        os.close(nowhere)

    def __getattr__(self, name: str) -> Any:
        if name == "buffer":
            raise AttributeError(name)
        return getattr(self._stream, name)


def secure() -> None:
    """Give this process standard streams that are open, and take whatever is written."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:  # closed (`>&-`): or the next file takes its number
            os.dup2(os.open(os.devnull, os.O_RDWR), number)
            setattr(sys, name, os.fdopen(number, "w" if number else "r", encoding="utf-8"))
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if not isinstance(stream, Stream):
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(encoding=_encoding(), errors="labs.plain")
            setattr(sys, name, cast("TextIO", Stream(stream)))


def _encoding() -> str | None:
    """What a terminal understands, where it was not asked already (`-I`, `-X utf8`); else None."""
    if not sys.flags.utf8_mode:
        return None
    named = os.environ.get("PYTHONIOENCODING", "").partition(":")[0] or locale.getencoding()
    try:
        known = codecs.lookup(named).name
    except LookupError:
        return None
    # A C locale says ASCII and means "nobody has chosen": UTF-8, as Python takes it (PEP 540).
    return named if known != "ascii" or "PYTHONIOENCODING" in os.environ else None


def nobody_reads() -> bool:
    """Whether the program that read standard output has gone (`labs logs -f | head`)."""
    sys.stdout.flush()
    error = getattr(sys.stdout, "lost", None)
    if error is None and hasattr(select, "poll"):  # it may go while nothing is written
        look = select.poll()
        look.register(sys.stdout.fileno(), 0)
        return any(event & select.POLLERR for _, event in look.poll(0))
    return error is not None


def require_written() -> None:
    """Make sure that all output was written, unless its reader or terminal is gone.

    Raises:
        LabsError: the disk behind standard output is full, or the like.
    """
    sys.stdout.flush()
    error = getattr(sys.stdout, "lost", None)
    if error is not None and error.errno not in (errno.EPIPE, errno.EIO):
        raise LabsError(words("untold", error=error.strerror))


def print_json(value: object) -> None:
    """Print one JSON value: the same on every terminal, whatever characters it can show."""
    utf8 = codecs.lookup(sys.stdout.encoding or "ascii").name == "utf-8"
    print(json.dumps(value, ensure_ascii=not utf8))
