"""What a notebook's panel has found is looked at by the tests of experiments, too.

So no experiment is run twice with the same settings without need, and what a notebook shows is held
to what the tests say. A result is given to one test alone: whoever repeats an experiment, for
chance matters in it, or tries it once more, runs it.
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from labs.experiment.experiment import Experiment
from labs.experiment.result import Result
from labs.experiment.settings import Value
from tests.spied import spied


def keep_each() -> None:
    """From now on in this kernel, a panel runs once with the same settings; its result is kept."""
    run = spied(Experiment.run)
    found: dict[str, Result] = {}

    def once(self: Experiment, cluster: Any, values: Mapping[str, Value], *live: Any) -> Result:
        key = _key(self.name, values)
        if key not in found:
            found[key] = run(self, cluster, values, *live)
            _keep(found[key])
        return found[key]

    Experiment.run = once  # type: ignore[method-assign,assignment]


def taken(name: str, values: Mapping[str, Value]) -> Result | None:
    """What a notebook found with these settings, for one who asks first; None: run it."""
    if not (folder := _folder()):
        return None
    file = folder / _key(name, values)
    mine = file.with_suffix(f".{os.getpid()}")
    try:
        file.rename(mine)  # of several workers one alone succeeds
    except FileNotFoundError:
        return None
    result: Result = pickle.loads(mine.read_bytes())
    return result


def _keep(result: Result) -> None:
    if folder := _folder():
        folder.mkdir(exist_ok=True)
        file = folder / _key(result.experiment, result.settings)
        draft = file.with_suffix(".draft")
        draft.write_bytes(pickle.dumps(result))
        draft.rename(file)


def _folder() -> Path | None:
    """Beside this run's homes; None: the tests are not run by `tests.run`, and nothing is kept."""
    homes = os.environ.get("LABS_TEST_HOMES")
    return Path(homes).with_suffix(".kept") if homes else None


def _key(name: str, values: Mapping[str, Value]) -> str:
    said = repr((name, sorted((key, str(value)) for key, value in values.items())))
    return sha256(said.encode()).hexdigest()
