"""The chapters' experiments and exercises, a folder each.

Each says its chapter's `NUMBER`, by which it has its place, and has a tuple `EXPERIMENTS`. An
exercise is a folder in the chapter's `exercises`, with an `EXERCISE`. A new chapter and a new
exercise are new folders: nothing else names them.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from types import ModuleType

from labs.base.errors import BadInput
from labs.base.words import Words
from labs.exercise.exercise import Exercise
from labs.experiment.experiment import Experiment

words = Words(__file__)


def all_experiments() -> list[Experiment]:
    """Every experiment, in the order in which the chapters are studied."""
    chapters = sorted(map(_load, _names()), key=lambda chapter: chapter.NUMBER)
    return [experiment for chapter in chapters for experiment in chapter.EXPERIMENTS]


def find(name: str) -> Experiment:
    """The experiment of that name, or of that former name.

    By its present name, only its own chapter is loaded.

    Raises:
        BadInput: there is none; the sentence suggests similar names.
    """
    chapter = name.partition(".")[0]
    own: tuple[Experiment, ...] = _load(chapter).EXPERIMENTS if chapter in _names() else ()
    for experiment in own:
        if experiment.name == name:
            return experiment
    every = all_experiments()
    for experiment in every:
        if name in experiment.formerly:
            return experiment
    meant = words("or").join(_near(name, [experiment.name for experiment in every]))
    hint = f"no_experiment.{'perhaps' if meant else 'hint'}"
    raise BadInput(words("no_experiment.what", name=name), hint=words(hint, meant=meant))


def all_exercises() -> list[Exercise]:
    """Every exercise, in the order of their ids."""
    found = (
        importlib.import_module(f"{__name__}.{'.'.join(folder.parts[-3:])}").EXERCISE
        for folder in _exercise_folders()
    )
    return sorted(found, key=lambda exercise: exercise.id)


def find_exercise(id: str) -> Exercise:
    """The exercise of that id.

    Raises:
        BadInput: there is none; the sentence tells which the chapter has.
    """
    known = {exercise.id: exercise for exercise in all_exercises()}
    if id in known:
        return known[id]
    near = [other for other in known if other.partition(".")[0] == id.partition(".")[0]]
    hint = f"no_exercise.{'near' if near else 'hint'}"
    raise BadInput(words("no_exercise.what", id=id), hint=words(hint, near=", ".join(near)))


def _exercise_folders() -> list[Path]:
    found = Path(__path__[0]).glob("*/exercises/*/__init__.py")
    return sorted(file.parent for file in found)


def numbers() -> dict[str, str]:
    """Each chapter's number, such as `03`, by the chapter's name."""
    return {name: f"{_load(name).NUMBER:02}" for name in _names()}


def words_of(name: str) -> tuple[Words, str]:
    """The table of a chapter's sentences, and the section of it that `chapter.what` names.

    Raises:
        BadInput: there is no such chapter.
    """
    chapter, _, what = name.partition(".")
    if chapter not in _names():
        known = words("no_chapter.hint", names=", ".join(sorted(_names())))
        raise BadInput(words("no_chapter.what", name=chapter), hint=known)
    return Words(str(Path(__path__[0], chapter, "en.toml"))), what


def _names() -> set[str]:
    return {module.name for module in pkgutil.iter_modules(__path__)}


def _load(chapter: str) -> ModuleType:
    return importlib.import_module(f"{__name__}.{chapter}")


def _near(name: str, known: Sequence[str]) -> list[str]:
    """Names that may be meant: those of the same chapter, if there are any."""
    chapter = name.partition(".")[0]
    of_chapter = [full for full in known if full.startswith(f"{chapter}.")]
    short = {full.rpartition(".")[2]: full for full in known}
    close = [short.get(found, found) for found in get_close_matches(name, [*known, *short])]
    return (
        get_close_matches(name, of_chapter, cutoff=0.8) or of_chapter or list(dict.fromkeys(close))
    )
