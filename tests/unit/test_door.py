"""Notebooks import from `labs` alone; each name is loaded when it is used, and older names work."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from collections.abc import Iterator

import nbformat
import pytest

import labs
from labs.base.errors import LabsError
from labs.notebook.older import ONCE
from labs.supervise.home import PROJECT

#: All of them take long to import, or are large.
HEAVY = {"IPython", "confluent_kafka", "ipywidgets", "kafka", "matplotlib", "numpy", "psutil"}

#: What begins a cell whose further lines are not the notebook's own: a program of the learner's.
NO_PYTHON = "%%writefile"

#: What notebooks and their readers imported before there was one door.
OLDER = """
from labs.board import Board
from labs.charts import records, show
from labs.cluster import connect
from labs.flights import flights
from labs.lab_settings import lab_settings
from labs.panel import panel
from labs.study.quiz import Number, predict, quiz, reconcile
"""


def imports_of(source: str) -> Iterator[ast.ImportFrom | ast.Import]:
    cells = ast.walk(ast.parse(source))
    yield from (node for node in cells if isinstance(node, ast.ImportFrom | ast.Import))


def imports_of_a_cell(source: str) -> Iterator[ast.ImportFrom | ast.Import]:
    """Below lines such as `%%own_cluster` and `%%after crash`, too."""
    while source.startswith("%%") and not source.startswith(NO_PYTHON):
        source = source.partition("\n")[2]
    if not source.startswith(NO_PYTHON):
        yield from imports_of(source)


def notebooks_imports() -> Iterator[tuple[str, ast.ImportFrom | ast.Import]]:
    for path in sorted((PROJECT / "notebooks").rglob("*.ipynb")):
        for cell in nbformat.read(path, as_version=4).cells:
            if cell.cell_type == "code":
                for node in imports_of_a_cell(cell.source):
                    yield path.name, node


def test_the_import_loads_next_to_nothing() -> None:
    code = "import sys, labs; print(*{name.partition('.')[0] for name in sys.modules})"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not HEAVY & set(loaded)


@pytest.mark.parametrize("name", labs.__all__)
def test_all_that_it_names_is_there(name: str) -> None:
    assert getattr(labs, name)
    assert name in dir(labs)


def test_what_it_does_not_name_is_no_attribute() -> None:
    with pytest.raises(ImportError, match="nothing_of_ours"):
        exec("from labs import nothing_of_ours")


@pytest.mark.parametrize("magic", ["", "%%own_cluster\n", "%%own_cluster\n%%after crash\n"])
def test_an_import_is_seen_in_every_kind_of_cell(magic: str) -> None:
    (node,) = imports_of_a_cell(f"{magic}from labs.kafka.wire import ask")
    assert isinstance(node, ast.ImportFrom) and node.module == "labs.kafka.wire"


def test_a_program_that_a_cell_writes_is_no_notebooks() -> None:
    assert list(imports_of_a_cell("%%writefile it.py\nfrom labs.kafka.wire import ask")) == []


def test_notebooks_use_no_other_door() -> None:
    used = set()
    for notebook, node in notebooks_imports():
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "labs":
            assert node.module == "labs", (notebook, ast.unparse(node))
            used |= {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            assert not any(alias.name.startswith("labs.") for alias in node.names), notebook
    assert {"connect", "cockpit", "panel", "quiz"} <= used <= set(labs.__all__)


def test_imports_of_older_notebooks_bring_the_same() -> None:
    for node in imports_of(OLDER):
        assert isinstance(node, ast.ImportFrom)
        imported: dict[str, object] = {}
        exec(ast.unparse(node), imported)
        for alias in node.names:
            now = ONCE.get(str(node.module), {}).get(alias.name, alias.name)
            assert imported[alias.name] is getattr(labs, now)


def test_one_does_not_hide_the_other() -> None:
    code = "from labs.panel import panel as old; from labs import panel; assert panel is old"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_module_that_is_gone_is_missed_in_a_sentence() -> None:
    for gone in ("labs.experiments", "labs.study", "labs.cluster.choose"):
        with pytest.raises(ModuleNotFoundError, match=rf"no {gone} .*`from labs import .*cockpit"):
            importlib.import_module(gone)
    with pytest.raises(ModuleNotFoundError, match="No module named 'laboratory'"):
        importlib.import_module("laboratory")


def test_what_an_older_module_never_had_is_a_sentence() -> None:
    with pytest.raises(LabsError, match=r"labs\.panel has moved.*write `from labs import panel`"):
        exec("from labs.panel import Panel")
    with pytest.raises(AttributeError):
        _ = sys.modules["labs.panel"].__file__  # asked by whoever looks through all modules
