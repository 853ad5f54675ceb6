"""What an experiment asks before its run, and what its result says of the answer."""

from __future__ import annotations

from collections.abc import Mapping

from labs.experiment.experiment import Experiment
from labs.experiment.prediction import Ask, Estimate, Options
from labs.experiment.result import Result
from labs.experiment.settings import Value
from labs.experiment.views import Bars, View
from labs.notebook.prediction import Number, Prediction
from labs.notebook.reconciliation import Reconciliation, reconcile


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
            return Reconciliation("", asked.words(measured), "", None)
        why = ask.why if isinstance(ask, Estimate) else ""
        if isinstance(ask, Options) and asked.answer != measured:
            why = ask.options[str(asked.answer)]
        return reconcile(asked, measured, why)

    def beside(self, reconciliation: Reconciliation | None, result: Result) -> tuple[View, ...]:
        """A predicted number drawn beside the measured one."""
        ask, measured = self._ask, came_true(self._ask, result)
        if not isinstance(ask, Estimate) or reconciliation is None or reconciliation.right is None:
            return ()
        if not isinstance(measured, int | float):
            return ()
        predicted = float(reconciliation.predicted.replace(",", "").split()[0])
        values = {ask.unit: (predicted, float(measured))}
        return (Bars(reconciliation.verdict, ("you predicted", "measured"), values, ask.unit),)


def _asked(experiment: Experiment) -> Prediction | None:
    ask, key = experiment.ask, experiment.name.replace(".", "-")
    if ask is None:
        return None
    if isinstance(ask, Options):
        return Prediction(ask.question, list(ask.options), key)
    number = Number(ask.unit, ask.low, ask.high, ask.step, ask.close)
    return Prediction(ask.question, number, key)


def came_true(ask: Ask | None, result: Result) -> str | float | None:
    """What could be predicted and came true; None: this run can't tell."""
    if ask is None or result.doubt:
        return None
    if isinstance(ask, Options):
        return ask.measured(result)
    value = result.measurements.get(ask.measured)
    return value if isinstance(value, int | float) else None
