"""What an experiment asks before its run, and what its result says of the answer."""

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


class Asking:
    """The prediction of a panel, for the settings with which it is first tried."""

    def __init__(self, experiment: Experiment) -> None:
        self._ask = experiment.ask
        self.prediction = _asked(experiment)
        self._predicted_for: Mapping[str, Value] | None = None

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
        if self._predicted_for is None:
            self._predicted_for = result.settings
        if asked.answer is None or dict(self._predicted_for) != dict(result.settings):
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
