"""What can be set in an experiment: a name, and what values it takes.

>>> resolve((Choice("acks", ("0", "1", "all"), "1"),), {"acks": "all"})
{'acks': 'all'}

What it is for, the chapter's table says (`Experiment.help`); `facts` are the values that are named
there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from labs.base.errors import BadInput

Value = str | int | float | bool
Facts = Mapping[str, object]


@dataclass(frozen=True)
class Choice:
    """One of a few words."""

    name: str
    options: tuple[str, ...]
    default: str
    unit: str = ""
    facts: Facts = field(default_factory=dict)

    @property
    def allowed(self) -> str:
        """The bounds in words."""
        return f"one of {', '.join(self.options)}"

    def parse(self, given: object) -> str:
        """The value, from what a caller or a command line gave.

        Raises:
            BadInput: it is none of the options.
        """
        if str(given) not in self.options:
            raise _refused(self, given)
        return str(given)


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
        kind = "a whole number" if self.whole else "a number"
        return f"{kind} from {self.low:g} to {self.high:g} {self.unit}".strip()

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
        return "true or false"

    def parse(self, given: object) -> bool:
        """The value, from what a caller or a command line gave.

        Raises:
            BadInput: it is neither true nor false.
        """
        words = {"true": True, "false": False, "on": True, "off": False, "yes": True, "no": False}
        try:
            return words[str(given).lower()]
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
            names = ", ".join(s.name for s in settings) or "none at all"
            raise BadInput(f"there is no setting {name!r}", hint=f"there are: {names}")
    return {s.name: s.parse(given[s.name]) if s.name in given else s.default for s in settings}


def describe(setting: Setting, help: str) -> dict[str, Any]:
    """The setting as `labs experiments --json` prints it."""
    told: dict[str, Any] = {
        "name": setting.name,
        "default": setting.default,
        "allowed": setting.allowed,
        "help": help,
    }
    if setting.unit:
        told["unit"] = setting.unit
    return told


def _refused(setting: Setting, given: object) -> BadInput:
    return BadInput(f"{setting.name} can't be {given}", hint=f"it takes {setting.allowed}")
