"""Hangul in pictures: DejaVu Sans, which matplotlib brings, lacks it; Noto Sans KR has it."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from matplotlib.font_manager import FontProperties, fontManager

from labs.charts.letters import WIDE


def font_for(text: str, asked: FontProperties) -> FontProperties:
    """The font that was asked for, and behind it one with Hangul where a text needs that."""
    if text.isascii() or not WIDE.search(text):
        return asked
    font = asked.copy()
    font.set_family([*asked.get_family(), _hangul()])
    return font


@cache
def _hangul() -> str:
    """Its family's name; it is loaded now, for its 5 MB are read in 25 ms."""
    import pylopdf_fonts_ko

    fontManager.addfont(pylopdf_fonts_ko.sans_path())
    regular = fontManager.ttflist[-1]
    fontManager.ttflist.append(replace(regular, weight=700))  # asked for a bold one, it would warn
    return regular.name
