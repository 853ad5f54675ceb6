"""Our pictures look the same whatever matplotlib was told by files and variables meant for others.

A user's `matplotlibrc` may ask for another font, another style or LaTeX; MPLBACKEND for a window
system that is not here, which ends matplotlib's import.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from labs.supervise.home import cache_dir

P = ParamSpec("P")
R = TypeVar("R")


def _settle() -> None:
    """Before its import: no settings of others, and its own files where we may write."""
    os.environ.pop("MATPLOTLIBRC", None)
    os.environ["MPLCONFIGDIR"] = str(cache_dir() / "matplotlib")
    if "ipykernel" not in sys.modules:  # that chooses how a notebook shows a learner's own pictures
        os.environ.pop("MPLBACKEND", None)


@contextlib.contextmanager
def _elsewhere() -> Iterator[None]:
    """In a folder of ours: a `matplotlibrc` in the working folder goes before all others.

    So says "Customizing Matplotlib" in its documentation. One that matplotlib can't read would end
    its import, and with it the run whose picture it is.
    """
    try:
        here = os.getcwd()  # noqa: PTH109
        os.chdir(here)  # whether there will be a way back
    except OSError:  # the folder is gone or closed, and so is what may be in it
        yield
        return
    os.chdir(DATA)
    try:
        yield
    finally:
        os.chdir(here)


#: Neither settings nor modules are in there.
DATA = Path(__file__).resolve().parents[1] / "base" / "data"

if "matplotlib" not in sys.modules:
    _settle()
with _elsewhere():
    import matplotlib


def drawn_our_way(draw: Callable[P, R]) -> Callable[P, R]:
    """Have a function draw with matplotlib's own defaults, even in a kernel that set others."""

    @wraps(draw)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> R:
        changed = _changed()
        with matplotlib.rc_context(changed) if changed else contextlib.nullcontext():
            return draw(*args, **kwargs)

    return drawn


def _changed() -> dict[Any, Any]:
    """The defaults of what was set otherwise (comparing takes 0.6 ms, setting them all 14)."""
    now, defaults = matplotlib.rcParams, matplotlib.rcParamsDefault
    return {
        name: value
        for name, value in dict.items(defaults)
        if dict.__getitem__(now, name) != value and name not in _INPUT
    }


#: Of how a learner's own pictures are shown: not of how ours are drawn.
_INPUT = {"backend", "backend_fallback", "interactive", "toolbar", "webagg.port"}
