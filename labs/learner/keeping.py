"""Noting what a learner answers, which is never in the way of what they do."""

from __future__ import annotations

from collections.abc import Callable

from labs.base.errors import LabsError
from labs.base.words import Words

words = Words(__file__)


def kept(note: Callable[[], None]) -> str:
    """Note it; returns nothing, or why it could not be kept, in a sentence."""
    try:
        note()
    except LabsError as error:
        return words("not_kept", because=error)
    return ""
