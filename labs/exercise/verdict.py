"""What judging ends with: a verdict, the evidence for it, and one hint.

A judge raises what it finds: `NotYet` or `CantTell`, each with the id of its reason. One that
returns has passed. The reason's sentence stands in the exercise's own table under `why`, or, where
any program may fail so, in this room's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

PASS, NOT_YET, CANT_TELL = "pass", "not yet", "can't tell"

#: How `labs check` ends; bad input ends with 2, as everywhere.
EXIT_CODES = {PASS: 0, NOT_YET: 1, CANT_TELL: 3}


class Found(Exception):  # noqa: N818 - it names what happened
    """A reason not to pass.

    Args:
        why: its id.
        evidence: sentences, each about one thing that was seen.
        values: what the reason's sentence and hints need.
    """

    verdict = ""

    def __init__(self, why: str, *evidence: str, **values: object) -> None:
        super().__init__(why)
        self.why, self.evidence, self.values = why, evidence, values


class NotYet(Found):
    """What the learner has built does not do it yet."""

    verdict = NOT_YET


class CantTell(Found):
    """What was seen proves nothing: it is no fault of the learner's."""

    verdict = CANT_TELL


@dataclass(frozen=True)
class Verdict:
    """How one try ended.

    Args:
        exercise: its id.
        verdict: `pass`, `not yet` or `can't tell`.
        reason: the id of the reason; empty after a pass.
        why: the reason as a sentence; after a pass, what was shown.
        evidence: what was seen, a sentence each.
        hint: what to try next, more specific with each try that fails for the same reason.
        tries: how often this exercise has been judged, this time included.
        duration_s: how long the judging took, s.
        seed: what repeats the same sequence of faults.
        apart_s: so much of `duration_s` was no judging: starts of servers, repairs of the cluster.
    """

    exercise: str
    verdict: str
    reason: str
    why: str
    evidence: tuple[str, ...]
    hint: str
    tries: int
    duration_s: float
    seed: int
    apart_s: float = 0.0

    @property
    def exit_code(self) -> int:
        """How `labs check` ends."""
        return EXIT_CODES[self.verdict]

    def as_dict(self) -> dict[str, Any]:
        """The object that `labs check --json` prints."""
        return {
            "exercise": self.exercise,
            "verdict": self.verdict,
            "why": self.why,
            "evidence": list(self.evidence),
            "hint": self.hint,
            "tries": self.tries,
            "duration_s": self.duration_s,
        }
