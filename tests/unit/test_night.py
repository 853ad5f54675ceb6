"""The palette in both themes, by day as it is drawn and by night as the page turns it round."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pytest

from labs.charts import night, picture_of, show, style
from labs.charts.pen.looks import STROKES
from labs.charts.topology import states, topology_svg
from labs.experiment.views import Bars
from labs.observe.snapshot import ClusterSnapshot

#: `hue-rotate(180deg)`, from the matrix in Filter Effects Module Level 1 (W3C), section 13.
TURNED = np.array([[-0.574, 1.43, 0.144], [0.426, 0.43, 0.144], [0.426, 1.43, -0.856]])

#: What readers see who lack one kind of cone, on linear RGB: Machado, Oliveira & Fernandes 2009.
EYES = {
    "all": np.eye(3),
    "no red": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
         [-0.003882, -0.048116, 1.051998]]
    ),
    "no green": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
         [-0.01182, 0.04294, 0.968881]]
    ),
    "no blue": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
         [0.004733, 0.691367, 0.3039]]
    ),
}  # fmt: skip
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
WHITE = TO_XYZ.sum(axis=1)

Colour = Any  # three numbers from 0 to 1


def day(colour: str) -> Colour:
    return np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])


def by_night(colour: str) -> Colour:
    """What the filter of `night.CSS` makes of it."""
    inverted = night.INVERT + day(colour) * (1 - 2 * night.INVERT)
    return np.clip(TURNED @ inverted, 0, 1)


def linear(colour: Colour) -> Colour:
    return np.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4)


def contrast(one: Colour, other: Colour) -> float:
    """As the Web Content Accessibility Guidelines reckon it."""
    dark, light = sorted(float((TO_XYZ @ linear(each))[1]) for each in (one, other))
    return (light + 0.05) / (dark + 0.05)


def lab(colour: Colour, eyes: Colour) -> Colour:
    """CIELAB, in which a distance of 2 can just be seen."""
    ratio = TO_XYZ @ np.clip(eyes @ linear(colour), 0, 1) / WHITE
    f = np.where(ratio > 0.008856, np.cbrt(ratio), 7.787 * ratio + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("seen", [day, by_night])
def test_texts_can_be_read(seen: Any) -> None:
    inks = {style.INK, style.MUTED, style.RUST, *(stroke.ink for stroke in STROKES)}
    assert min(contrast(seen(ink), seen(style.PAPER)) for ink in inks) >= 4.5
    on_tints = [(look.ink, look.tint) for look in states.LOOKS.values()]
    assert min(contrast(seen(ink), seen(tint)) for ink, tint in on_tints) >= 4.5


@pytest.mark.parametrize("eyes", EYES)
@pytest.mark.parametrize("seen", [day, by_night])
def test_colours_stay_apart_with_any_colour_blindness(seen: Any, eyes: str) -> None:
    places = [lab(seen(colour), EYES[eyes]) for colour in style.CYCLE]
    assert min(float(np.linalg.norm(a - b)) for a, b in combinations(places, 2)) > 10


def test_lines_stand_out_from_the_ground_by_night() -> None:
    ground = by_night(style.PAPER)
    assert min(contrast(by_night(colour), ground) for colour in style.CYCLE) >= 3
    assert ground.max() < 0.1, "it is dark"


def test_pictures_carry_the_mark_that_the_page_looks_for() -> None:
    shown = show(picture_of(Bars("", ["a"], {"x": [1]}, "s")))
    assert shown._repr_mimebundle_()[1]["needs_background"] == "light"
    assert f'class="{night.PICTURE}"' in topology_svg(ClusterSnapshot(0.0, ()))
    assert night.PICTURE in night.CSS
