"""Notes of what a learner has answered: one file, to which lines are only ever appended.

Each line is a JSON object: a prediction beside what was measured (`compared`), an answer to a quiz
(`answered`), the verdict on an exercise (`judged`). `id` is the line's own, so two files can be
merged; `v` is the version of what stands in it.

No line is ever changed or removed. A line that was cut short, by a crash or a full disk, is passed
over, and the next one begins a line of its own. A file in which a newer version of this course has
written is neither read nor added to.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from filelock import FileLock, Timeout

from labs.base.errors import BadInput, LabsError
from labs.base.words import Words
from labs.supervise.home import disk_error, make_writable, work_dir

words = Words(__file__)

VERSION = 1

COMPARED, ANSWERED, JUDGED = "compared", "answered", "judged"

#: How long to wait for another kernel that is writing, s; it needs some milliseconds.
PATIENCE_S = 10.0


@dataclass(frozen=True)
class Note:
    """One thing that a learner has done.

    Args:
        kind: `COMPARED`, `ANSWERED` or `JUDGED`; a later version may know more.
        name: what it is about: `acks.leader_crash`, of an exercise `05.3`.
        told: the rest of it.
        line: all of it, as it stands in the file.
    """

    kind: str
    name: str
    told: Mapping[str, Any]
    line: str

    @property
    def id(self) -> str:
        """No other note has it, on whatever machine."""
        return str(self.told["id"])


def place() -> Path:
    """The file, in the learner's own folder; it need not be there."""
    return work_dir() / "progress.jsonl"


def compared(name: str, predicted: object, measured: object, right: bool, **more: object) -> None:
    """Note a prediction, and what was measured; `more`: the `unit`, the `settings` of the run.

    Raises:
        LabsError: it can't be kept.
    """
    _note(COMPARED, name, predicted=predicted, measured=measured, right=right, **more)


def answered(name: str, answer: str, right: bool) -> None:
    """Note an answer to a quiz.

    Raises:
        LabsError: it can't be kept.
    """
    _note(ANSWERED, name, answer=answer, right=right)


def judged(exercise: str, verdict: str) -> None:
    """Note the verdict on an exercise: `judged("05.3", "pass")`.

    Raises:
        LabsError: it can't be kept.
    """
    _note(JUDGED, exercise, verdict=verdict)


def notes() -> list[Note]:
    """All notes, the oldest first.

    Raises:
        LabsError: the file can't be read, or is of a newer version.
    """
    return _read(place())


def export_to(file: Path) -> int:
    """Write all notes into a new file; returns how many.

    Raises:
        BadInput: there is such a file already.
        LabsError: it can't be written.
    """
    lines = [note.line for note in notes()]
    try:
        with file.open("x", encoding="utf-8") as new:
            try:
                new.writelines(f"{line}\n" for line in lines)
                new.flush()
            except OSError:
                file.unlink()
                raise
    except FileExistsError:
        raise BadInput(words("notes.taken", file=file), hint=words("notes.taken_hint")) from None
    except OSError as error:
        raise LabsError(words("notes.unwritten", file=file, error=error.strerror)) from None
    return len(lines)


def import_from(file: Path) -> int:
    """Add the notes of an exported file that are not here yet; returns how many.

    Raises:
        BadInput: it is no such file.
        LabsError: it is of a newer version, or the notes can't be kept.
    """
    if not file.is_file():
        raise BadInput(words("notes.no_file", file=file))
    theirs = _read(file)
    if not theirs and file.stat().st_size:
        raise BadInput(words("notes.not_ours", file=file), hint=words("notes.not_ours_hint"))
    return _append({note.id: note.line for note in theirs})


# -- the file --------------------------------------------------------------------------------------


def _note(kind: str, name: str, **told: object) -> None:
    id, at = uuid4().hex, datetime.now(UTC).isoformat(timespec="seconds")
    note = {"v": VERSION, "id": id, "at": at, "kind": kind, "name": name, **told}
    _append({id: json.dumps(note, ensure_ascii=False)})


def _read(file: Path) -> list[Note]:
    try:
        lines = file.read_bytes().decode("utf-8", "replace").split("\n")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise LabsError(words("notes.unread", file=file, error=error.strerror)) from None
    told = [_object(line) for line in lines]
    if any(one.get("v", 0) > VERSION for one in told):
        raise LabsError(words("notes.newer", file=file), hint=words("notes.newer_hint"))
    known = [(one, line) for one, line in zip(told, lines, strict=True) if one.keys() >= _IS_NOTE]
    return [Note(str(one["kind"]), str(one["name"]), one, line) for one, line in known]


_IS_NOTE = {"v", "id", "kind", "name"}


def _object(line: str) -> dict[str, Any]:
    """What a line says; nothing, if it was cut short, or is none of ours."""
    try:
        told = json.loads(line)
    except ValueError:
        return {}
    return told if isinstance(told, dict) and isinstance(told.get("v"), int) else {}


def _append(lines: Mapping[str, str]) -> int:
    """Add those lines, given by their ids, that are not there yet; returns how many."""
    file = place()
    make_writable(file.parent, "LABS_WORK")
    with _alone(file):
        there = {note.id for note in _read(file)}
        new = [line for id, line in lines.items() if id not in there]
        try:
            _write("".join(f"{line}\n" for line in new).encode(), file)
        except OSError as error:
            raise disk_error(error, file.parent, "LABS_WORK") from None
    return len(new)


def _write(text: bytes, file: Path) -> None:
    """All of it, or nothing; a line that was cut short before is ended first."""
    with file.open("a+b", buffering=0) as end:
        size = end.seek(0, os.SEEK_END)
        if size:
            end.seek(size - 1)
            text = text if end.read(1) == b"\n" else b"\n" + text
        try:
            if end.write(text) < len(text):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(end.fileno())
        except OSError:
            end.truncate(size)
            raise


@contextmanager
def _alone(file: Path) -> Iterator[None]:
    """Hold the file: two kernels may note something at the same time."""
    lock = FileLock(file.with_name(f".{file.name}.lock"))
    try:
        lock.acquire(timeout=PATIENCE_S)
    except Timeout:
        raise LabsError(words("notes.held", file=file), hint=words("notes.held_hint")) from None
    except OSError as error:
        raise disk_error(error, file.parent, "LABS_WORK") from None
    try:
        yield
    finally:
        lock.release()
