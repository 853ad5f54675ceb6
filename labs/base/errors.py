"""Errors a learner can act on: what happened, where the log is, what to do next."""

from __future__ import annotations

from pathlib import Path

from labs.base.words import Words

words = Words(__file__)


class Foreseen(Exception):  # noqa: N818 - a run that was stopped is no error
    """Shown in a notebook as its sentence, without a traceback, which tells a learner nothing."""

    def _render_traceback_(self) -> list[str]:
        """What IPython shows in place of a traceback."""
        return [f"{type(self).__name__}: {self}"]


class LabsError(Foreseen):
    """A failure foreseen by us, told in one readable sentence.

    Args:
        what: what happened, without a full stop at its end.
        hint: what to do next, as an imperative clause.
        log: the file that tells more.
        because: the last error found in that file.
    """

    exit_code = 1

    def __init__(
        self, what: str, *, hint: str = "", log: Path | None = None, because: str = ""
    ) -> None:
        self.what, self.hint, self.log, self.because = what, hint, log, because
        super().__init__(what)

    def __str__(self) -> str:
        parts = [self.what]
        if self.because:
            parts.append(words("error.because", because=self.because))
        if self.log is not None:
            parts.append(words("error.log", log=self.log))
        if self.hint:
            parts.append(self.hint)
        return "; ".join(parts) + "."


class BadInput(LabsError):  # noqa: N818 - it names what happened
    """The caller asked for something that does not exist or is out of bounds."""

    exit_code = 2


class NotUp(LabsError):  # noqa: N818 - it names what happened
    """There is no running cluster."""

    exit_code = 3
