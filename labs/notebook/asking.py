"""What an experiment asks before a run, and what its result says of the answer.

Each run with other settings is another question. One with the same settings as a run before is not
asked about again: its answer is known.
"""

from __future__ import annotations

from collections.abc import Mapping

from labs.base.words import Words
from labs.experiment.experiment import Experiment
from labs.experiment.prediction import Estimate, Options, came_true
from labs.experiment.result import Result
from labs.experiment.settings import Value
from labs.experiment.views import Bars, View
from labs.notebook.prediction import Number, Prediction
from labs.notebook.reconciliation import Reconciliation, reconcile

words = Words(__file__)


class Askings:
    """The questions of a panel: one for each of the settings that were run, one for the others.

    `now` is the one for the settings that the panel shows.
    """

    def __init__(self, experiment: Experiment) -> None:
        self._experiment = experiment
        self.anew()

    def anew(self) -> None:
        """Ask again, whatever was run."""
        self.now = self._next = Asking(self._experiment)
        self._tried: dict[frozenset[tuple[str, Value]], Asking] = {}

    def choose(self, settings: Mapping[str, Value]) -> bool:
        """Have `now` be the question for these settings; returns whether it is another one."""
        before, those = self.now, frozenset(settings.items())
        if those not in self._tried and self._next in self._tried.values():
            self._next = Asking(self._experiment)
        self.now = self._tried.get(those, self._next)
        return self.now is not before

    def tried(self, settings: Mapping[str, Value]) -> None:
        """A run with these settings has told its result."""
        self._tried.setdefault(frozenset(settings.items()), self.now)


class Asking:
    """One question, and what a learner predicts."""

    def __init__(self, experiment: Experiment) -> None:
        self._ask = experiment.ask
        self.prediction = _asked(experiment)

    @property
    def unanswered(self) -> bool:
        """Whether a learner has neither answered nor skipped."""
        asked = self.prediction
        return asked is not None and asked.answer is None and not asked.skipped

    def reconciled(self, result: Result) -> Reconciliation | None:
        """The prediction beside the result; None: nothing was asked, or this run can't tell."""
        ask, asked = self._ask, self.prediction
        measured = came_true(ask, result)
        if ask is None or asked is None or measured is None:
            return None
        if asked.answer is None:
            return Reconciliation(None, measured, None, words=asked.words)
        return reconcile(asked, measured, settings=result.settings)

    def beside(self, reconciliation: Reconciliation | None) -> tuple[View, ...]:
        """A predicted number drawn beside the measured one."""
        if not isinstance(self._ask, Estimate) or reconciliation is None:
            return ()
        predicted, measured = reconciliation.predicted, reconciliation.measured
        if not isinstance(predicted, int | float) or not isinstance(measured, int | float):
            return ()
        series, names = {self._ask.unit: (predicted, measured)}, words.under("compared")
        labels = ("predicted", "measured")
        return (Bars(reconciliation.verdict, labels, series, self._ask.unit, names=names),)


def _asked(experiment: Experiment) -> Prediction | None:
    ask, say, key = experiment.ask, experiment.says, experiment.name.replace(".", "-")
    if ask is None:
        return None
    if isinstance(ask, Options):
        options = {id: say(f"options.{id}") for id in ask.options}
        why = {id: say(f"why.{id}") for id in ask.options}
        return Prediction(say("predict"), options, key, why, experiment.name)
    number = Number(ask.unit, ask.low, ask.high, ask.step, ask.close)
    return Prediction(say("predict"), number, key, say("why"), experiment.name)
