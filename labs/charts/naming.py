"""What is written for an id of a view: `partition:3` → "partition 3"."""

from __future__ import annotations

from collections.abc import Callable

from labs.base.words import Words
from labs.experiment.views import View

_WORDS = Words(__file__)

#: From an id to what is written for it.
Naming = Callable[[str], str]


def naming(view: View) -> Naming:
    """What a view says for its ids: its own `names`, then what any picture says, then the id."""
    known = {**_WORDS.under("known"), **view.names}

    def name(id: str) -> str:
        what, _, of = id.partition(":")
        return known[what].format(of=name(of)).strip() if what in known else id

    return name
