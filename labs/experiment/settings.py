"""What can be set in an experiment: a name, and what values it takes.

>>> resolve((Choice("acks", ("0", "1", "all"), "1"),), {"acks": "all"})
{'acks': 'all'}

The chapter's table says what it is for (`Experiment.help`); `facts` are the values that the
sentence there names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from labs.base.errors import BadInput
from labs.base.words import Words

Value = str | int | float | bool
Facts = Mapping[str, object]

words = Words(__file__)


@dataclass(frozen=True)
class Choice:
    """One of a few words, each an id. `formerly`: what an option was called before → its id."""

    name: str
    options: tuple[str, ...]
    default: str
    unit: str = ""
    facts: Facts = field(default_factory=dict)
    formerly: Mapping[str, str] = field(default_factory=dict)

    @property
    def allowed(self) -> str:
        """The bounds in words."""
        return words("allowed.choice", options=", ".join(self.options))

    def parse(self, given: object) -> str:
        """The value, from what a caller or a command line gave.

        Raises:
            BadInput: it is none of the options.
        """
        value = self.formerly.get(str(given), str(given))
        if value not in self.options:
            raise _refused(self, given)
        return value


@dataclass(frozen=True)
class Number:
    """A number from `low` to `high` in steps of `step`; whole if its default and step are whole."""

    name: str
    low: float
    high: float
    default: float
    unit: str = ""
    step: float = 1
    facts: Facts = field(default_factory=dict)

    @property
    def whole(self) -> bool:
        """Whether only whole numbers are taken."""
        return isinstance(self.default, int) and isinstance(self.step, int)

    @property
    def allowed(self) -> str:
        """The bounds in words."""
        kind = "whole" if self.whole else "number"
        bounds = {"low": self.low, "high": self.high, "unit": unit_named(self.unit)}
        return words(f"allowed.{kind}", **bounds).strip()

    def parse(self, given: object) -> float:
        """The value, from what a caller or a command line gave.

        Raises:
            BadInput: it is no such number, or out of bounds.
        """
        try:
            value = float(str(given))
        except ValueError:
            raise _refused(self, given) from None
        if not self.low <= value <= self.high or (self.whole and value != int(value)):
            raise _refused(self, given)
        return int(value) if self.whole else value


@dataclass(frozen=True)
class Switch:
    """On or off."""

    name: str
    default: bool
    unit: str = ""
    facts: Facts = field(default_factory=dict)

    @property
    def allowed(self) -> str:
        """The bounds in words."""
        return words("allowed.switch")

    def parse(self, given: object) -> bool:
        """The value, from what a caller or a command line gave.

        Raises:
            BadInput: it is neither true nor false.
        """
        said = {"true": True, "false": False, "on": True, "off": False, "yes": True, "no": False}
        try:
            return said[str(given).lower()]
        except KeyError:
            raise _refused(self, given) from None


Setting = Choice | Number | Switch


def resolve(settings: Sequence[Setting], given: Mapping[str, object]) -> dict[str, Value]:
    """Every setting's value: the given one where there is one, else the default.

    Raises:
        BadInput: an unknown name, or a value out of bounds; the sentence names what is allowed.
    """
    known = {setting.name for setting in settings}
    for name in given:
        if name not in known:
            names = ", ".join(s.name for s in settings) or words("no_setting.none")
            hint = words("no_setting.hint", names=names)
            raise BadInput(words("no_setting.what", name=name), hint=hint)
    return {s.name: s.parse(given[s.name]) if s.name in given else s.default for s in settings}


def by_todays_ids(settings: Sequence[Setting], noted: Mapping[str, Any]) -> dict[str, Any]:
    """What was noted of a run's settings, with today's ids for values that had another one."""
    formerly = {s.name: s.formerly for s in settings if isinstance(s, Choice)}
    return {name: formerly.get(name, {}).get(str(value), value) for name, value in noted.items()}


def describe(setting: Setting, help: str) -> dict[str, Any]:
    """The setting as `labs experiments --json` prints it."""
    told: dict[str, Any] = {
        "name": setting.name,
        "default": setting.default,
        "allowed": setting.allowed,
        "help": help,
    }
    if unit := unit_named(setting.unit):
        told["unit"] = unit
    return told


def unit_named(unit: str) -> str:
    """A unit as one reads it: one that is no word is written as it is."""
    return words.under("units").get(unit, unit)


def _refused(setting: Setting, given: object) -> BadInput:
    hint = words("not_allowed.hint", allowed=setting.allowed)
    return BadInput(words("not_allowed.what", name=setting.name, given=given), hint=hint)
