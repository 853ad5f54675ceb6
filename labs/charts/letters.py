"""How wide a text is, counted in letters of the Latin alphabet: one of Hangul is wider."""

from __future__ import annotations

import re
import textwrap

#: Hangul, and the letters of Chinese and Japanese that may stand beside it.
WIDE = re.compile("[\u1100-\u11ff\u2e80-\u9fff\uac00-\ud7ff\uf900-\ufaff\uff00-\uff60]")

#: 0.92 em in Noto Sans KR; 0.56 em is the mean of DejaVu Sans.
_WIDER = 0.92 / 0.56

_JOINER = "\u2060"  # as wide as nothing; it has `textwrap` count a wide letter twice


def letters(text: str) -> float:
    """So many letters are as wide as a line of text."""
    return len(text) + (_WIDER - 1) * len(WIDE.findall(text))


def wrapped(text: str, most: int) -> list[str]:
    """The text in lines of at most so many letters."""
    lines = textwrap.wrap(WIDE.sub(rf"\g<0>{_JOINER}", text), most)
    return [line.replace(_JOINER, "") for line in lines]
