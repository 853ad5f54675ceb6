"""The experiments, one module a chapter; each has a tuple `EXPERIMENTS`.

A new chapter is a new module: nothing else names it.
"""

from __future__ import annotations

import importlib
import pkgutil

from labs.experiment import Experiment, by_name

#: The chapters in the order in which they are studied; one not named here comes after them.
_ORDER = ("producers", "acks", "replication", "consumers")


def all_experiments() -> list[Experiment]:
    """Every experiment, chapter by chapter."""
    names = [module.name for module in pkgutil.iter_modules(__path__)]
    names.sort(key=lambda name: (_ORDER.index(name) if name in _ORDER else len(_ORDER), name))
    modules = [importlib.import_module(f"{__name__}.{name}") for name in names]
    return [experiment for module in modules for experiment in module.EXPERIMENTS]


def find(name: str) -> Experiment:
    """The experiment of that name.

    Raises:
        BadInput: there is none; the sentence names those that there are.
    """
    return by_name(all_experiments(), name)
