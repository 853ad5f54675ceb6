"""The user's variables that are ours (`LABS_…`): all are read here, and all in the same way.

Blanks around a value do not count, and an empty one counts as unset, as Compose takes it as well
(Docker's documentation, "Interpolation": `${VARIABLE:-default}`).
"""

from __future__ import annotations

import os
from typing import TypeVar

from labs.base.errors import BadInput
from labs.base.words import Words

words = Words(__file__)

N = TypeVar("N", int, float)

#: 1: nobody is there to press a button; a notebook's panels run by themselves.
UNATTENDED = "LABS_UNATTENDED"


def named(variable: str) -> str:
    """The value of the variable; empty where it is not set."""
    return os.environ.get(variable, "").strip()


def number(variable: str, unset: N, low: N, high: N) -> N:
    """The value of the variable as a number, `unset` where it is not set; whole if `unset` is.

    Raises:
        BadInput: it is no such number, or out of bounds.
    """
    said = named(variable)
    if not said:
        return unset
    try:
        value = type(unset)(said)
    except ValueError:
        value = None
    if value is None or not low <= value <= high:  # "nan" is not
        kind = "whole" if isinstance(unset, int) else "any"
        bounds = {"variable": variable, "said": said, "low": low, "high": high}
        raise BadInput(words(f"number.{kind}", **bounds), hint=words("number.hint"))
    return value


def for_others() -> dict[str, str]:
    """The environment of a program that reads our variables, too (Compose): as we read them."""
    theirs = {name: value for name, value in os.environ.items() if not name.startswith("LABS_")}
    ours = {name: named(name) for name in os.environ if name.startswith("LABS_")}
    return theirs | {name: said for name, said in ours.items() if said}
