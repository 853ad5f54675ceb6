"""Sentences as a test finds them: by their ids, whatever they say.

>>> assert said("notebook", "panel.ready") in status
"""

from __future__ import annotations

import re
import string

import labs
from labs.base.words import FIRST, Words, table


def said(room: str, id: str, /, **values: object) -> str:
    """A room's sentence of that id, with these values."""
    return _words(room)(id, **values)


def like(room: str, id: str, /) -> str:
    """A pattern for `pytest.raises`: a room's sentence of that id, with any values."""
    told = table(_words(room).folder, FIRST)[id]
    parts = string.Formatter().parse(told)
    return "".join(re.escape(text) + ".*" * (name is not None) for text, name, *_ in parts)


def _words(room: str) -> Words:
    return Words(f"{labs.__path__[0]}/{room}/en.toml")
