"""What the notes come to: of a chapter, what was predicted, answered and built.

Only the first answer to a question counts: afterwards one has seen what happens. The same question
for other settings is another question. An exercise is passed if it ever was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from labs.learner.notes import ANSWERED, COMPARED, JUDGED, Note


@dataclass
class Tally:
    """One chapter's: the first notes of each question, and the verdicts on each exercise."""

    predictions: list[Note] = field(default_factory=list)
    quizzes: list[Note] = field(default_factory=list)
    verdicts: dict[str, list[str]] = field(default_factory=dict)

    @property
    def contradicted(self) -> list[Note]:
        """The predictions that did not come true."""
        return [note for note in self.predictions if not note.told.get("right")]

    @property
    def right(self) -> list[Note]:
        """The quizzes that were right at the first try."""
        return [note for note in self.quizzes if note.told.get("right")]

    @property
    def passed(self) -> list[str]:
        """The exercises that were passed."""
        return [exercise for exercise, verdicts in self.verdicts.items() if "pass" in verdicts]

    def as_dict(self) -> dict[str, int]:
        """The figures, for programs."""
        return {
            "predicted": len(self.predictions),
            "contradicted": len(self.contradicted),
            "quizzes": len(self.quizzes),
            "right": len(self.right),
            "exercises": len(self.verdicts),
            "passed": len(self.passed),
        }


def by_chapter(notes: Iterable[Note], chapter_of: Callable[[str], str]) -> dict[str, Tally]:
    """The tally of each chapter of which there are notes.

    Args:
        notes: the oldest first.
        chapter_of: the chapter to which a name belongs.
    """
    found: dict[str, Tally] = {}
    seen: set[tuple[str, str, str]] = set()
    for note in notes:
        if note.kind not in (COMPARED, ANSWERED, JUDGED):
            continue
        tally = found.setdefault(chapter_of(note.name), Tally())
        asked = (note.kind, note.name, str(sorted(dict(note.told.get("settings") or {}).items())))
        if note.kind == JUDGED:
            tally.verdicts.setdefault(note.name, []).append(str(note.told.get("verdict")))
        elif asked not in seen:
            seen.add(asked)
            (tally.predictions if note.kind == COMPARED else tally.quizzes).append(note)
    return found
