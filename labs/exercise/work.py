"""The learner's own folder: programs, what was asked, and how often each exercise was tried.

It is `work/` in the project's folder, or what `LABS_WORK` names. Git ignores it, and nothing of
ours deletes or overwrites anything that a learner has written there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labs.base.errors import BadInput
from labs.base.files import read_object, write_atomically
from labs.base.words import Words
from labs.exercise.exercise import LANGUAGES, Exercise
from labs.supervise.home import disk_error, make_writable, work_dir

words = Words(__file__)

#: Our own notes in an exercise's folder.
_NOTES = ".labs.json"


def folder_of(exercise: Exercise) -> Path:
    """Where the learner's files for this exercise lie; made if need be.

    Raises:
        LabsError: it can't be written.
    """
    folder = _folder(exercise)
    make_writable(folder, "LABS_WORK")
    return folder


def _folder(exercise: Exercise) -> Path:
    return work_dir() / exercise.id.replace(".", "_")


def program_of(exercise: Exercise, language: str = "python") -> Path:
    """The file that a learner writes; whether it is there is another question."""
    name = "Program" if language == "java" else "program"
    return folder_of(exercise) / f"{name}{LANGUAGES[language]}"


def written(exercise: Exercise) -> Path:
    """The program that the learner has written last, in whichever language.

    Raises:
        BadInput: there is none yet.
    """
    files = [program_of(exercise, language) for language in LANGUAGES]
    there = [file for file in files if file.exists()]
    if not there:
        raise BadInput(
            words("unwritten.what", file=files[0]), hint=words("unwritten.hint", id=exercise.id)
        )
    return max(there, key=lambda file: file.stat().st_mtime)


def write_starter(exercise: Exercise, language: str) -> tuple[Path, bool]:
    """Write what the learner begins with. A file that is there already is left alone.

    Returns the file, and whether it is new.

    Raises:
        BadInput: there is no starter in that language.
        LabsError: the folder can't be written.
    """
    text = _begun(exercise.starter(language))
    file = program_of(exercise, language)
    try:
        with file.open("x", encoding="utf-8") as new:  # never over what is there
            new.write(text)
    except FileExistsError:
        return file, False
    except OSError as error:
        raise disk_error(error, file.parent, "LABS_WORK") from None
    return file, True


def _begun(starter: Path) -> str:
    """A starter as the learner has it: Java's class is named as its file is."""
    return starter.read_text("utf-8").replace("class Starter", "class Program")


def same(program: Path, starter: Path) -> bool:
    """Whether a program is still its starter, but for blanks around it."""
    return program.read_text("utf-8", "replace").strip() == _begun(starter).strip()


def keep(program: Path) -> Path | None:
    """Keep what a program holds now as `program.1.py` and so on, for it may be written over.

    Returns that file; None: there is nothing to keep, or it is kept already.
    """
    if not program.exists():
        return None
    text = program.read_bytes()
    number = 1
    while (kept := program.with_suffix(f".{number}{program.suffix}")).exists():
        if kept.read_bytes() == text:
            return None
        number += 1
    kept.write_bytes(text)
    return kept


# -- what we note ----------------------------------------------------------------------------------


def asked(exercise: Exercise) -> dict[str, str]:
    """What `labs new` told of the question or the state that it prepared.

    Raises:
        BadInput: nothing has been asked yet.
    """
    found: dict[str, str] | None = _notes(exercise).get("asked")
    if found is None:
        raise BadInput(
            words("unasked.what", id=exercise.id), hint=words("unasked.hint", id=exercise.id)
        )
    return found


def note_asked(exercise: Exercise, told: Mapping[str, str]) -> None:
    """Remember what was asked, until the next time.

    Raises:
        LabsError: it can't be noted.
    """
    _note(exercise, {**_notes(exercise), "asked": dict(told)})


@dataclass(frozen=True)
class Try:
    """One more try.

    Args:
        number: how often the exercise has been tried by now.
        earlier: how many tries before had failed for the same reason since it was last passed.
        noted: what the notes must say of it all.
    """

    number: int
    earlier: int
    noted: Mapping[str, Any]


def tries(exercise: Exercise) -> int:
    """How often the exercise has been judged by now."""
    return int(_notes(exercise).get("tries", 0))


def next_try(exercise: Exercise, reason: str) -> Try:
    """A try that has ended for that reason (empty: it passed); `note_try` counts it."""
    notes = _notes(exercise)
    number = tries(exercise) + 1
    failed: dict[str, int] = notes.get("failed", {}) if reason else {}
    earlier = failed.get(reason, 0)
    failed = {**failed, reason: earlier + 1} if reason else {}
    passed = notes.get("passed", False) or not reason
    return Try(number, earlier, {**notes, "tries": number, "failed": failed, "passed": passed})


def note_try(exercise: Exercise, one: Try) -> None:
    """Count it.

    Raises:
        LabsError: it can't be noted.
    """
    _note(exercise, one.noted)


def _notes(exercise: Exercise) -> dict[str, Any]:
    return read_object(_folder(exercise) / _NOTES)


def _note(exercise: Exercise, notes: Mapping[str, Any]) -> None:
    file = folder_of(exercise) / _NOTES
    try:
        write_atomically(file, json.dumps(notes))
    except OSError as error:
        raise disk_error(error, file.parent, "LABS_WORK") from None
