"""The experiments, one module a chapter; each has its number, `CHAPTER`, and a tuple `EXPERIMENTS`.

A new chapter is a new module: nothing else names it.
"""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType
from typing import cast

from labs.experiment import Experiment, by_name


def all_experiments() -> list[Experiment]:
    """Every experiment, chapter by chapter."""
    chapters = sorted(map(_chapter, _names()), key=lambda chapter: chapter.CHAPTER)
    return [experiment for chapter in chapters for experiment in chapter.EXPERIMENTS]


def find(name: str) -> Experiment:
    """The experiment of that name. Only its own chapter is loaded.

    Raises:
        BadInput: there is none; the sentence names those that there are.
    """
    chapter = name.partition(".")[0]
    if chapter in _names():
        for experiment in _chapter(chapter).EXPERIMENTS:
            if experiment.name == name:
                return cast(Experiment, experiment)
    return by_name(all_experiments(), name)


def _names() -> list[str]:
    return [module.name for module in pkgutil.iter_modules(__path__)]


def _chapter(name: str) -> ModuleType:
    return importlib.import_module(f"{__name__}.{name}")
