"""Texts that are drawn once and stamped: they look and stand as matplotlib's own do."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from labs.charts import lettering
from labs.charts.lettering import Canvas

HANGUL = "Noto Sans KR"


def drawn(kind: type[FigureCanvasAgg], text: str = "acks=all, g 한글 $x", **how: Any) -> Any:
    fig = Figure(figsize=(4, 3), dpi=100, facecolor="white")
    canvas: Any = kind(fig)
    written = fig.text(0.5, 0.5, text, parse_math=False, **how)
    if kind is not Canvas:  # ours finds the second by itself
        written.set_fontfamily(["sans-serif", HANGUL])
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].astype(float)


def bounds(picture: Any) -> list[int]:
    dark = picture.min(axis=2) < 128
    rows, columns = np.flatnonzero(dark.any(axis=1)), np.flatnonzero(dark.any(axis=0))
    return [int(n) for n in (rows[0], rows[-1], columns[0], columns[-1])]


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"rotation": 90},
        {"rotation": 30, "size": 20},
        {"ha": "right", "va": "top", "weight": "bold"},
        {"color": "#A03C00"},
    ],
)
def test_a_stamped_text_stands_where_matplotlib_would_put_it(how: dict[str, Any]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # none of its letters is missing
        ours, theirs = drawn(Canvas, **how), drawn(FigureCanvasAgg, **how)
    assert all(abs(a - b) <= 1 for a, b in zip(bounds(ours), bounds(theirs), strict=True))
    assert ours.mean() == pytest.approx(theirs.mean(), rel=2e-3), "as much ink"


def test_its_colour_is_kept() -> None:
    picture = drawn(Canvas, "MMM", color="#0072B2", size=30)
    darkest = picture.reshape(-1, 3)[picture.sum(axis=2).argmin()]
    assert list(darkest) == [0x00, 0x72, 0xB2]


def test_a_text_is_drawn_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    real = lettering.draw_alone

    def counted(s: str, *more: Any) -> Any:
        asked.append(s)
        return real(s, *more)

    monkeypatch.setattr(lettering, "draw_alone", counted)
    for _ in range(3):
        drawn(Canvas, "drawn once")
    assert asked == ["drawn once"]


def test_the_oldest_texts_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lettering, "REMEMBERED", 3)
    for number in range(6):
        drawn(Canvas, f"text {number}")
    assert [key[0] for key in lettering.stamps] == ["text 3", "text 4", "text 5"]


def test_a_space_is_no_picture() -> None:
    assert drawn(Canvas, " ").min() == 255
