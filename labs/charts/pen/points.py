"""Points made fit to be drawn: gaps where nothing was seen, and no more of them than one sees."""

from __future__ import annotations

import math
from collections.abc import Sequence

from labs.experiment.views import Point

#: Longer series are thinned to about so many points: nobody sees more on 900 pixels.
POINTS = 800


def broken(points: Sequence[Point], longest: float = 1.0) -> list[Point]:
    """The points, with a gap in their line wherever nothing was seen for `longest`."""
    whole: list[Point] = []
    for point in points:
        if whole and point[0] - whole[-1][0] > longest:
            whole.append((whole[-1][0], math.nan))
        whole.append(point)
    return whole


def thinned(points: Sequence[Point], most: int = POINTS) -> Sequence[Point]:
    """At most about `most` points: of each stretch its lowest and its highest, in order."""
    if len(points) <= most:
        return points
    stretch = -(-2 * len(points) // most)
    kept: list[Point] = [points[0]]
    for start in range(0, len(points), stretch):
        part = points[start : start + stretch]
        gaps = [p for p in part if math.isnan(p[1])]
        seen = [p for p in part if not math.isnan(p[1])]
        if seen:
            gaps += {min(seen, key=lambda p: p[1]), max(seen, key=lambda p: p[1])}
        kept.extend(sorted(gaps, key=lambda p: p[0]))
    if kept[-1] != points[-1]:
        kept.append(points[-1])
    return kept
