"""*Run All*, pressed by a learner: every cell ends without an error, and every panel waits."""

from __future__ import annotations

import os

import pytest
from nbclient import NotebookClient

from labs.base.variables import UNATTENDED
from labs.kafka.local import LocalCluster
from labs.notebook.finding import RESULT_MIME
from tests.course import Text, chapters, code_of

WIDGET = "application/vnd.jupyter.widget-view+json"
#: The others do the same with a learner as without, and are run without.
CHAPTERS = [text for text in chapters() if any("panel(" in cell.source for cell in text.code)]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("text", CHAPTERS, ids=lambda text: text.chapter)
def test_run_all_ends_without_an_error_and_panels_wait(text: Text, cluster: LocalCluster) -> None:
    book = text.book()
    learners = {name: value for name, value in os.environ.items() if name != UNATTENDED}
    client = NotebookClient(book, timeout=120, kernel_name="python3")
    client.execute(cwd=str(text.saved.parent), env=learners)  # raises what a cell raises
    outputs = [(cell, output) for cell in code_of(book) for output in cell.outputs]
    assert [output.text for _, output in outputs if output.get("name") == "stderr"] == []
    shown = [(cell.source, output.get("data", {})) for cell, output in outputs]
    waiting = [source for source, data in shown if WIDGET in data and "panel(" in source]
    assert waiting == [cell.source for cell in text.code if "panel(" in cell.source]
    assert not any(RESULT_MIME in data for _, data in shown), "something was run"
