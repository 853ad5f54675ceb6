"""A plugin of `tests.run`: after a notebook has run, each of its cells is run again.

A learner runs a cell twice, or goes back to an earlier one: first each cell twice in a row, from
top to bottom, then all of them in an order that `LABS_TEST_SEED` decides. No cell may raise an
error or write to stderr, or wait for what its first run took away. The cell that empties the
cluster is left out: whoever runs that begins anew.

By then each panel has run once on the live cluster. From here on it gets that result again, so that
what it does with a second run is tested, and the cluster's time is not spent twice.
"""

from __future__ import annotations

import os
import random
from collections import defaultdict
from collections.abc import Generator, Iterator
from itertools import groupby
from operator import attrgetter

import nbformat
import pytest
from nbval.plugin import IPyNbCell, IPyNbFile

from labs.supervise.home import PROJECT
from tests.run import SEED_VARIABLE

SEED = int(os.environ.get(SEED_VARIABLE, "1"))

BEGINS_ANEW = "cluster.reset()"

#: The notebook's first cell, of ours: a panel's first run is real, and its result is kept.
RESULTS_ARE_KEPT = f"""
import sys
sys.path.append({str(PROJECT)!r})
from tests.kept import keep_each
keep_each()
"""


class CellAgain(IPyNbCell):  # type: ignore[misc]
    """A cell that has run before: what it prints may differ now, and no error may come."""

    def runtest(self) -> None:
        super().runtest()
        words = [o.text for o in self.test_outputs if o.get("name") == "stderr"]
        if words:
            self.raise_cell_error(f"it wrote to stderr: {words}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None]:
    """Fail a cell whose time was up: a panel that is interrupted ends its run without an error."""
    yield
    if isinstance(item, IPyNbCell) and item.parent.timed_out:
        item.raise_cell_error("its time was up")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Add to each notebook's cells the same cells, twice, and leave all else in its order."""
    found: list[pytest.Item] = []
    for book, together in groupby(items, key=attrgetter("parent")):
        cells = [*together]
        found += _with_repeats(book, cells) if isinstance(book, IPyNbFile) else cells
    items[:] = found


def _with_repeats(book: IPyNbFile, cells: list[IPyNbCell]) -> Iterator[IPyNbCell]:
    kept = nbformat.v4.new_code_cell(RESULTS_ARE_KEPT)
    yield _cell(book, "Results are kept", len(cells), kept)
    yield from cells
    teaching = [cell for cell in cells if BEGINS_ANEW not in cell.cell.source]
    for cell in teaching:
        yield _cell(book, f"{cell.name} again", cell.cell_num, cell.cell)
        yield _cell(book, f"{cell.name} at once again", cell.cell_num, cell.cell)
    for cell in random.Random(SEED).sample(teaching, len(teaching)):
        yield _cell(book, f"{cell.name} again, seed {SEED}", cell.cell_num, cell.cell)


def _cell(book: IPyNbFile, name: str, number: int, cell: nbformat.NotebookNode) -> CellAgain:
    options = defaultdict(bool, check=False)
    added: CellAgain = CellAgain.from_parent(
        book, name=name, cell_num=number, cell=cell, options=options
    )
    return added
