"""`labs progress`: what a learner has predicted, answered and built; out and in as one file."""

from __future__ import annotations

from pathlib import Path

from labs.base.streams import print_json, require_written
from labs.base.words import Words
from labs.chapters import numbers
from labs.learner import notes
from labs.learner.tally import Tally
from labs.notebook.progress import tallies

words = Words(__file__)


def show_progress(as_json: bool) -> None:
    """Print the figures of each chapter of which there are notes.

    Raises:
        LabsError: the notes can't be read, or nothing can be printed.
    """
    found, number_of = tallies(), numbers()
    if as_json:
        told = [
            {"chapter": chapter, "number": number_of.get(chapter), **tally.as_dict()}
            for chapter, tally in found.items()
        ]
        print_json({"file": str(notes.place()), "chapters": told})
    elif found:
        for chapter, tally in found.items():
            print(f"{number_of.get(chapter, chapter)} {chapter:16} {_line(tally)}")
        print(words("progress.file", file=notes.place()))
    else:
        print(words("progress.nothing"))
    require_written()


def _line(tally: Tally) -> str:
    parts = tally.as_dict()
    kinds = ("predicted", "quizzes", "exercises")
    return "; ".join(words(f"progress.{kind}", **parts) for kind in kinds if parts[kind])


def export(file: Path) -> None:
    """Write all notes into a new file.

    Raises:
        LabsError: it can't be written, or is there already.
    """
    print(words("progress.exported", count=notes.export_to(file), file=file))


def bring_in(file: Path) -> None:
    """Add the notes of an exported file that are not here yet.

    Raises:
        LabsError: it is no such file, or they can't be kept.
    """
    print(words("progress.imported", count=notes.import_from(file), file=file))
