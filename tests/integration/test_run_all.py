"""*Run All*, pressed by a learner: no cell fails, every panel waits, no exercise is judged."""

from __future__ import annotations

from pathlib import Path

import pytest
from jupyter_client.blocking.client import BlockingKernelClient

from labs.chapters import find_exercise
from labs.exercise.exercise import PROGRAM
from labs.kafka.local import LocalCluster
from labs.notebook.check import VERDICT
from labs.notebook.finding import RESULT_MIME
from tests.course import WRITES, Text, chapters
from tests.kernels import learners_kernel, run_cell, run_together, shown_by
from tests.minutes import EXERCISE

WIDGET = "application/vnd.jupyter.widget-view+json"
#: The others do the same with a learner as without, and are run without.
CHAPTERS = [text for text in chapters() if any("check(" in cell.source for cell in text.code)]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("text", CHAPTERS, ids=lambda text: text.chapter)
def test_run_all_waits_for_the_learner(text: Text, cluster: LocalCluster, tmp_path: Path) -> None:
    cells = [cell.source for cell in text.code]
    if not any("panel(" in source for source in cells):
        cells = its_exercise(cells)  # the rest waits for nobody
    with learners_kernel(text.saved.parent, LABS_WORK=str(tmp_path)) as client:
        shown = shown_by(cells, run_together(client, cells))
        waiting = [source for source, data in shown if WIDGET in data and "panel(" in source]
        assert waiting == [source for source in cells if "panel(" in source]
        assert not any(RESULT_MIME in data for _, data in shown), "something was run"
        assert noted(tmp_path) == {}, "something was asked or judged"
        run_all_once_more(client, cells, tmp_path)


def run_all_once_more(client: BlockingKernelClient, cells: list[str], work: Path) -> None:
    """By now the learner has changed the program, or has been asked and has filled in an answer."""
    (check,) = [source for source in cells if source.startswith("check(")]
    exercise = find_exercise(EXERCISE.findall(check)[0])
    if exercise.kind != PROGRAM:
        reply, said = run_cell(client, check)
        assert reply["status"] == "ok", said
        assert noted(work), "a cell that is run alone asks"
    before = noted(work)
    filled = [filled_in(source) for source in its_exercise(cells)]
    shown = shown_by(filled, run_together(client, filled))
    told = [data for source, data in shown if source.startswith("check(") and data]
    assert not any(VERDICT in data for data in told), told
    assert "Run this cell alone" in told[-1]["text/plain"]
    assert noted(work) == before, "something was asked or judged"


def its_exercise(cells: list[str]) -> list[str]:
    """The chapter's first cell, and those of its exercise."""
    return [cells[0], *(one for one in cells if "task(" in one or EXERCISE.search(one))]


def filled_in(source: str) -> str:
    """A cell of an exercise, once a learner has been there."""
    return f"{source}\n# changed" if WRITES.match(source) else source.replace('""', '"UA1"')


def noted(work: Path) -> dict[str, str]:
    """What was asked, how often was tried, and how far the learner is."""
    files = [*work.rglob(".labs.json"), *work.glob("*.jsonl")]
    return {str(file): file.read_text("utf-8") for file in files}
