"""A learner's notebooks of the first commit go on working: all that they use is still there."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from pathlib import PurePath

import nbformat
import pytest

from labs.chapters import find
from labs.charts import records
from labs.experiment.settings import resolve
from labs.kafka.cluster import Cluster
from labs.notebook.cockpit import Cockpit
from labs.notebook.panel import Panel
from labs.supervise.home import PROJECT
from tests.helpers import FIRST_COMMIT

#: What they call → what that returns now.
MADE = {"labs.connect": Cluster, "Board": Cockpit, "panel": Panel}


def git(*words: str) -> str:
    done = subprocess.run(["git", *words], cwd=PROJECT, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"this clone's history does not go back to {FIRST_COMMIT}")
    return done.stdout


@pytest.fixture(scope="module")
def codes() -> list[ast.Module]:
    """The code of each notebook."""
    paths = git("ls-tree", "--name-only", FIRST_COMMIT, "notebooks/").split()
    books = [git("show", f"{FIRST_COMMIT}:{p}") for p in paths if PurePath(p).suffix == ".ipynb"]
    assert len(books) == 6
    return [ast.parse("\n".join(cells(book))) for book in books]


def cells(book: str) -> Iterator[str]:
    for cell in nbformat.reads(book, as_version=4).cells:
        if cell.cell_type == "code":
            yield cell.source.removeprefix("%%own_cluster\n")


def calls(code: ast.Module) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(code):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            yield ast.unparse(node.targets[0]), node.value


def settings_of(call: ast.Call) -> dict[str, object]:
    return {str(word.arg): ast.literal_eval(word.value) for word in call.keywords}


def test_every_run_of_a_panel_takes_its_settings(codes: list[ast.Module]) -> None:
    runs = 0
    for code in codes:
        panels = {}
        for name, call in calls(code):
            if ast.unparse(call.func) == "panel":
                panels[name] = found = find(ast.literal_eval(call.args[0])).settings
                resolve(found, settings_of(call))
        for node in ast.walk(code):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                of, what = ast.unparse(node.func.value), node.func.attr
                if of in panels and what == "run":
                    resolve(panels[of], settings_of(node))
                    runs += 1
    assert runs > 30


def test_whatever_they_use_of_an_object_of_ours_is_there(codes: list[ast.Module]) -> None:
    used = set()
    for code in codes:
        kinds = {name: MADE.get(ast.unparse(call.func)) for name, call in calls(code)}
        kinds["records"] = records  # type: ignore[assignment]
        for node in ast.walk(code):
            if isinstance(node, ast.Attribute) and (kind := kinds.get(ast.unparse(node.value))):
                assert hasattr(kind, node.attr), ast.unparse(node)
                used.add((kind.__name__, node.attr))
    assert {("Cockpit", "wait_for_leader"), ("Panel", "findings"), ("Cluster", "named")} <= used
