"""Every notebook keeps the shape of a chapter, and is saved as a real run left it."""

from __future__ import annotations

import re
import statistics
from pathlib import Path
from typing import Any

import nbformat
import pytest

from labs.chapters import all_experiments
from labs.kafka.config import HEARTBEAT_S, SESSION_S
from labs.supervise.home import PROJECT
from tests import prose

BOOKS = sorted((PROJECT / "notebooks").glob("*.ipynb"))
CHAPTERS = [path for path in BOOKS if not path.stem.startswith("00")]
MACHINE_PATH = re.compile(r"/(root|home|Users|tmp|work|var)/[\w.-]+|[A-Z]:\\\\")
SECRET = re.compile(r"token=[0-9a-f]{16,}|password\s*=\s*['\"]\w+|-----BEGIN")

each_book = pytest.mark.parametrize("path", BOOKS, ids=lambda path: path.stem)
each_chapter = pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)


def read(path: Path) -> Any:
    return nbformat.read(path, as_version=4)


def code_of(book: Any) -> list[Any]:
    return [cell for cell in book.cells if cell.cell_type == "code"]


def prose_of(book: Any) -> str:
    return "\n".join(cell.source for cell in book.cells if cell.cell_type == "markdown")


def test_there_are_notebooks() -> None:
    assert [path.stem for path in BOOKS][:2] == ["00_start_here", "01_overview"]


@each_book
def test_it_was_run_from_top_to_bottom_without_an_error(path: Path) -> None:
    cells = code_of(read(path))
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    kinds = {output.output_type for cell in cells for output in cell.outputs}
    assert "error" not in kinds
    streams = {o.name for c in cells for o in c.outputs if o.output_type == "stream"}
    assert "stderr" not in streams


@each_book
def test_it_holds_no_path_and_no_secret(path: Path) -> None:
    text = path.read_text("utf-8")
    assert MACHINE_PATH.search(text) is None
    assert SECRET.search(text) is None


@each_book
def test_code_cells_are_short(path: Path) -> None:
    lines = [len(cell.source.splitlines()) for cell in code_of(read(path))]
    assert max(lines) <= 15
    assert statistics.median(lines) <= 4


@each_book
def test_it_says_how_many_minutes_it_takes(path: Path) -> None:
    assert re.search(r"\d+ minutes", read(path).cells[0].source)


@each_chapter
def test_a_chapter_asks_predicts_and_concludes(path: Path) -> None:
    book = read(path)
    prose, code = prose_of(book), "\n".join(cell.source for cell in code_of(book))
    assert "**Questions**" in prose
    assert "## Key points" in prose
    assert 25 <= len(book.cells) <= 40
    asked = set(re.findall(r'key="(\w+)"', code))
    assert asked == set(re.findall(r'reconcile\("(\w+)"', code)), "each is compared later"
    # A panel asks for a prediction, and compares it, by itself.
    panels = re.findall(r'panel\("([\w.]+)"', code)
    assert len(asked) + len(panels) >= 3, "a chapter asks for predictions"
    assert set(panels) <= {experiment.name for experiment in all_experiments()}


@each_book
def test_its_links_lead_somewhere(path: Path) -> None:
    targets = re.findall(r"\]\((?!https?://)([^)#]+)\)", prose_of(read(path)))
    missing = [target for target in targets if not (path.parent / target).exists()]
    assert missing == []


@each_book
def test_static_readers_see_every_widget(path: Path) -> None:
    for cell in code_of(read(path)):
        for output in cell.outputs:
            data = output.get("data", {})
            if "application/vnd.jupyter.widget-view+json" in data:
                assert set(data) & {"text/html", "image/svg+xml", "image/png"}, cell.source[:60]


@each_book
def test_numbers_in_the_prose_are_those_of_its_own_run(path: Path) -> None:
    book = read(path)
    assert prose.named(book) == prose.numbers(book)


@each_book
def test_a_measurement_named_in_the_prose_is_one_that_its_run_shows(path: Path) -> None:
    book = read(path)
    assert prose.measurements_named(book) <= prose.measurements(book)
    italics = {" ".join(name.split()) for name in re.findall(r"(?<!\*)\*([^*]+)\*", prose_of(book))}
    assert not italics & prose.measurements(book), "in back-quotes, so that this test sees it"


def test_a_measurement_that_no_run_shows_is_noticed() -> None:
    run = nbformat.v4.new_code_cell("rebalance.run()")
    row = '<tr><td>longest gap others</td><td class="labs-figure">4 ms</td></tr>'
    run.outputs = [nbformat.v4.new_output("display_data", data={"text/html": row})]
    text = nbformat.v4.new_markdown_cell(
        "Compare `settled`, `longest gap\nothers` and `median gap others`; `labs reset`, `acks`"
    )
    book = nbformat.v4.new_notebook(cells=[run, text])
    named = prose.measurements_named(book)
    assert named == {"settled", "longest gap others", "median gap others"}
    assert named - prose.measurements(book) == {"settled", "median gap others"}


def test_a_send_is_called_failed_only_where_it_was_certainly_not_written() -> None:
    """As the README defines it; what merely ended in an error may be *unknown*."""
    told = {path.stem[:2]: prose_of(read(path)) for path in BOOKS}
    asked = [f"{e.question} {e.ask and e.ask.question}" for e in all_experiments()]
    readme = (PROJECT / "README.md").read_text("utf-8")
    for text in (told["03"], *asked, readme):
        words = re.sub(r"\*failed\*", "", text)  # where the word is explained
        assert not re.search(r"\bsends?\b[^.|]{0,30}\bfail|\bfail(s|ed)? sends?\b", words), text[
            :80
        ]


def test_chapters_agree_on_how_long_a_silent_broker_is_taken_for_alive() -> None:
    """From the last heartbeat on, up to one before the silence, and the controller's next look.

    (`broker.session.timeout.ms` / 8: ClusterControlManager and PeriodicTaskControlManager.)
    """
    assert SESSION_S - HEARTBEAT_S == 2
    assert 3 < SESSION_S * (1 + 1 / 8) < 3.5
    told = [" ".join(prose_of(read(path)).split()) for path in BOOKS]
    ranges = [re.findall(r"every eighth of that time[;:] so ([^.]*)", text) for text in told]
    assert [len(found) for found in ranges] == [1, 0, 0, 1, 1, 0]
    assert all("two and three and a half seconds" in found for (found,) in filter(None, ranges))


def test_a_number_is_filled_in_and_drift_is_seen() -> None:
    run = nbformat.v4.new_code_cell("crash.run()")
    shown = {"text/html": "<style>9 of</style><p>1,202 of 310&nbsp;are gone after 2,850 ms</p>"}
    run.outputs = [nbformat.v4.new_output("display_data", data=shown)]
    text = nbformat.v4.new_markdown_cell("**0<!--lost--> lost** in 0.0<!--after--> s; 7 of 8")
    where: dict[str, dict[str, Any]] = {
        "lost": {"cell": "crash.run(", "find": "([\\d,]+) of"},
        "after": {"cell": "crash.run(", "find": "after ([\\d,]+) ms", "scale": 0.001, "digits": 1},
    }
    book = nbformat.v4.new_notebook(cells=[run, text], metadata={"labs": {"numbers": where}})
    assert prose.named(book) != prose.numbers(book)
    prose.fill(book)
    assert text.source == "**1,202<!--lost--> lost** in 2.9<!--after--> s; 7 of 8"
    assert prose.named(book) == prose.numbers(book)
    where["lost"]["find"] = "([\\d,]+) found"
    with pytest.raises(LookupError, match="lost"):
        prose.fill(nbformat.v4.new_notebook(cells=[run], metadata={"labs": {"numbers": where}}))
