"""Figures written for people, and what may be concluded from one near a limit.

>>> ms(1.2604), ms(1730.4), seconds(2.987)
('1.26 ms', '1,730 ms', '2.99 s')
"""

from __future__ import annotations

from collections.abc import Sequence

#: A figure this near to a limit (a part of the limit) is on neither side: the next run of the same
#: machine may come out on the other.
DOUBT = 0.2


def figure(value: float | str | None) -> str:
    """Three significant digits, whole from 1,000 on; `—` where there is nothing.

    They are counted from the first digit that is not zero: 1.26 and 1.73 are written so.
    """
    if value is None:
        return "—"
    if isinstance(value, str):
        return value
    if float(value).is_integer() or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:,.3g}"


def ms(value: float) -> str:
    """Milliseconds."""
    return f"{figure(value)} ms"


def seconds(value: float) -> str:
    """Seconds."""
    return f"{figure(value)} s"


def graded(
    value: float, steps: Sequence[tuple[float, str]], last: str, doubt: float = DOUBT
) -> str | None:
    """The option whose range a measured value falls into; None: too near to a limit to tell.

    Args:
        value: what was measured.
        steps: (limit, option) from the lowest: the option holds below its limit.
        last: what holds from the last limit on.
        doubt: a value within this part of a limit is not graded.
    """
    if any(abs(value - limit) <= doubt * abs(limit) for limit, _ in steps):
        return None
    return next((option for limit, option in steps if value < limit), last)
