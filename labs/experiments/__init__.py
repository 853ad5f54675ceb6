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
    return [experiment for chapter in _chapters() for experiment in _experiments_of(chapter)]


def find(name: str) -> Experiment:
    """The experiment of that name. Only its own chapter is loaded.

    Raises:
        BadInput: there is none; the sentence names those that are meant perhaps.
    """
    chapter = name.partition(".")[0]
    if chapter in _chapters():
        for experiment in _experiments_of(chapter):
            if experiment.name == name:
                return experiment
    return by_name(all_experiments(), name)


def _chapters() -> list[str]:
    names = [module.name for module in pkgutil.iter_modules(__path__)]
    return sorted(names, key=lambda n: (_ORDER.index(n) if n in _ORDER else len(_ORDER), n))


def _experiments_of(chapter: str) -> tuple[Experiment, ...]:
    found: tuple[Experiment, ...] = importlib.import_module(f"{__name__}.{chapter}").EXPERIMENTS
    return found
