"""What a learner reads for an id of an experiment: a measurement, a value of it or of a setting.

The chapter's table may have a sentence for each, in the experiment's section or for all of the
chapter: `[crash.measured]` by the measurement's name, `[crash.values.acks]` by the value. Where it
has none, the id itself says it. Nothing is decided by what stands there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from labs.base.errors import BadInput
from labs.base.figures import figure
from labs.base.words import Words
from labs.chapters import words_of
from labs.experiment.experiment import Experiment
from labs.experiment.result import Measured
from labs.experiment.settings import Choice, Setting, unit_named

#: The end of a measurement's name → its unit, the longest first.
_UNITS = {
    "_records_per_s": "records/s",
    "_samples": "samples",
    "_mb_per_s": "MB/s",
    "_bytes": "bytes",
    "_records": "records",
    "_percent": "%",
    "_ms": "ms",
    "_s": "s",
}


@dataclass(frozen=True)
class Called:
    """How one experiment's ids are read. `words`: its chapter's; `what`: its own section."""

    words: Words | None = None
    what: str = ""

    def measured(self, name: str) -> tuple[str, str]:
        """A measurement's name in words, and its unit."""
        suffix = next((suffix for suffix in _UNITS if name.endswith(suffix)), "")
        unit = unit_named(_UNITS[suffix]) if suffix else ""
        return self._said(f"measured.{name}") or name.removesuffix(suffix).replace("_", " "), unit

    def value(self, name: str, value: Measured) -> str:
        """A value of a measurement or of a setting: a figure, or a word for its id."""
        said = self._said(f"values.{name}.{value}") if isinstance(value, str) else ""
        return said or figure(value)

    def setting(self, name: str, value: object) -> str:
        """A setting's value: a word for its id, or the number as it was set."""
        return self.value(name, value) if isinstance(value, str) else str(value)

    def settings(self, values: Mapping[str, object]) -> str:
        """What is set, in a line: `acks=1, copies=three copies`."""
        return ", ".join(f"{name}={self.setting(name, value)}" for name, value in values.items())

    def allowed(self, setting: Setting) -> str:
        """What a setting takes, as a panel shows it."""
        if isinstance(setting, Choice):
            shown = tuple(self.value(setting.name, option) for option in setting.options)
            setting = replace(setting, options=shown)
        return setting.allowed

    def _said(self, id: str) -> str:
        """The sentence of an id; "" if there is none."""
        found = (name for name in (f"{self.what}.{id}", id) if self.words and name in self.words)
        return next((self.words(name) for name in found if self.words), "")


def called(experiment: Experiment | str) -> Called:
    """How an experiment's ids are read; by its name, for one of a chapter."""
    if isinstance(experiment, Experiment):
        return Called(experiment.words, experiment.name.partition(".")[2])
    try:
        return Called(*words_of(experiment))
    except BadInput:  # of no chapter, as in a test
        return Called()
