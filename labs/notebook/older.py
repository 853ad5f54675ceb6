"""What notebooks imported until there was one door goes on working.

>>> from labs.panel import panel          # a learner's own notebook, from before
>>> from labs import panel                # what one writes today: the very same

Such a module is only a name in `sys.modules`: what it had comes from `labs`.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib.abc import MetaPathFinder
from types import ModuleType
from typing import Any

from labs.base.errors import LabsError
from labs.base.words import Words

words = Words(__file__)

#: Module → what notebooks imported from it, and what that is called in `labs`.
ONCE: Mapping[str, Mapping[str, str]] = {
    "labs.board": {"Board": "cockpit"},
    "labs.cluster": {"connect": "connect"},
    "labs.flights": {"flights": "flights", "airlines": "airlines"},
    "labs.lab_settings": {"lab_settings": "lab_settings"},
    "labs.panel": {"panel": "panel"},
    "labs.study.quiz": {
        "Number": "Number",
        "predict": "predict",
        "quiz": "quiz",
        "reconcile": "reconcile",
    },
}


class Moved(ModuleType):
    """A module by the name that it had; `names`: what it had → what `labs` calls it."""

    def __init__(self, name: str, names: Mapping[str, str]) -> None:
        super().__init__(name)
        self.__path__: list[str] = []  # of what was below it, `Missing` tells
        self._names = names

    def __getattr__(self, name: str) -> Any:
        """What it had.

        Raises:
            LabsError: it had no such name for notebooks; the sentence says what there is.
            AttributeError: the import system asks for one of its own.
        """
        if name in self._names:
            return getattr(sys.modules["labs"], self._names[name])
        if name.startswith("_"):
            raise AttributeError(name)
        now = ", ".join(sorted(set(self._names.values())))
        raise LabsError(
            words("moved.what", module=self.__name__, name=name),
            hint=words("moved.hint", names=now),
        )


class Missing(MetaPathFinder):
    """Asked last, for a module that nobody has found: of ours it says what there is instead."""

    def find_spec(self, fullname: str, _path: object, _target: object = None) -> None:
        """Find nothing.

        Raises:
            ModuleNotFoundError: it would be one of ours.
        """
        if fullname.startswith("labs."):
            names = ", ".join(sys.modules["labs"].__all__)
            raise ModuleNotFoundError(
                words("moved.missing", module=fullname, names=names), name=fullname
            )


def register() -> None:
    """Have Python find the older names, and say what to import instead of all others."""
    for name, names in ONCE.items():
        sys.modules[name] = Moved(name, names)
    sys.meta_path.append(Missing())
