"""Every notebook keeps the shape of a chapter, and is saved as a real run of its text left it."""

from __future__ import annotations

import re
import statistics
from pathlib import Path
from typing import Any

import nbformat
import pytest

from labs.base import words
from labs.base.words import FIRST, language_of
from labs.chapters import all_experiments
from labs.kafka.config import HEARTBEAT_S, SESSION_S
from labs.notebook.finding import RESULT_MIME
from labs.supervise.home import PROJECT
from tests import course, prose
from tests.course import chapters, code_of, texts
from tests.minutes import main_path

BOOKS = [text.saved for text in texts()]
CHAPTERS = [path for path in BOOKS if not path.stem.startswith("00")]  # 00 only says hello
MACHINE_PATH = re.compile(r"/(root|home|Users|tmp|work|var)/[\w.-]+|[A-Z]:\\\\")
SECRET = re.compile(r"token=[0-9a-f]{16,}|password\s*=\s*['\"]\w+|-----BEGIN")

#: A chapter's own cells are those between the questions from earlier chapters and its recap, after
#: which all exercises are listed, without the sections that one may leave out.
BESIDE_THE_PATH = re.compile(r'\bquiz\("\w+\.recall_|^(recap|exercises)\("', re.MULTILINE)
#: A cell that holds a whole program for the learner to change.
PROGRAM = "%%writefile"


def language(path: Path) -> str:
    """In which language a notebook is: `notebooks/ko/03_acks.ipynb`."""
    return language_of(path.parent)


def named(path: Path) -> str:
    """A notebook, in a test's name: as its chapter, and its language unless that is English."""
    return path.stem if language(path) == FIRST else f"{path.stem}-{language(path)}"


each_book = pytest.mark.parametrize("path", BOOKS, ids=named)
each_chapter = pytest.mark.parametrize("path", CHAPTERS, ids=named)


def read(path: Path) -> Any:
    return nbformat.read(path, as_version=4)


def prose_of(book: Any) -> str:
    return "\n".join(cell.source for cell in book.cells if cell.cell_type == "markdown")


def test_there_are_notebooks_and_each_has_a_text() -> None:
    assert BOOKS
    found = (PROJECT / "notebooks").rglob("*.ipynb")
    others = re.compile(r"\.ipynb_checkpoints/|\.mine-")  # JupyterLab's; a learner's own
    saved = [path for path in found if not others.search(path.as_posix())]
    assert sorted(saved) == sorted(BOOKS)


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
    cells = [cell.source for cell in code_of(read(path))]
    lines = [len(source.splitlines()) for source in cells]
    assert max(len(s.splitlines()) for s in cells if not s.startswith(PROGRAM)) <= 15
    assert max(lines) <= 35
    assert statistics.median(lines) <= 4


@each_book
def test_it_says_how_many_minutes_it_takes(path: Path) -> None:
    assert re.search(course.MINUTES[language(path)], read(path).cells[0].source)


@each_chapter
def test_a_chapter_asks_predicts_and_concludes(path: Path) -> None:
    book = read(path)
    prose, code = prose_of(book), "\n".join(cell.source for cell in code_of(book))
    assert course.QUESTIONS[language(path)] in prose
    assert course.KEY_POINTS[language(path)] in prose
    main = [cell for cell in main_path(book.cells) if not BESIDE_THE_PATH.search(cell.source)]
    assert 25 <= len(main) <= 40
    asked = set(re.findall(r'\bpredict\("([\w.]+)"', code))
    assert asked == set(re.findall(r'reconcile\("([\w.]+)"', code)), "each is compared later"
    # A panel asks for a prediction, and compares it, by itself.
    panels = re.findall(r'panel\("([\w.]+)"', code)
    assert len(asked) + len(panels) >= 3, "a chapter asks for predictions"
    # By a former name, too, until the notebook is saved again; a text may not (test_former_names).
    assert set(panels) <= {name for e in all_experiments() for name in (e.name, *e.formerly)}


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
def test_a_measurement_named_in_the_prose_is_one_that_its_run_shows(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(words, "LANGUAGE", language(path))
    book = read(path)
    assert prose.measurements_named(book) <= prose.measurements(book)
    italics = {" ".join(name.split()) for name in re.findall(r"(?<!\*)\*([^*]+)\*", prose_of(book))}
    assert not italics & prose.measurements(book), "in back-quotes, so that this test sees it"


def test_a_measurement_that_no_run_shows_is_noticed() -> None:
    run = nbformat.v4.new_code_cell("rebalance.run()")
    shown = {RESULT_MIME: {"experiment": "a.b", "measurements": {"longest_gap_others_ms": 4}}}
    run.outputs = [nbformat.v4.new_output("display_data", data=shown)]
    text = nbformat.v4.new_markdown_cell(
        "Compare `settled`, `longest gap\nothers` and `median gap others`; `labs reset`, `acks`"
    )
    book = nbformat.v4.new_notebook(cells=[run, text])
    named = prose.measurements_named(book)
    assert named == {"settled", "longest gap others", "median gap others"}
    assert named - prose.measurements(book) == {"settled", "median gap others"}


def test_a_send_is_called_failed_only_where_it_was_certainly_not_written() -> None:
    """As the README defines it; what merely ended in an error may be *unknown*."""
    (acks,) = (text.saved for text in chapters() if text.chapter == "03_acks")
    asked = [f"{e.question} {e.says('predict')}" for e in all_experiments()]
    readme = (PROJECT / "README.md").read_text("utf-8")
    for text in (prose_of(read(acks)), *asked, readme):
        plain = re.sub(r"\*failed\*", "", text)  # where the word is explained
        assert not re.search(r"\bsends?\b[^.|]{0,30}\bfail|\bfail(s|ed)? sends?\b", plain), text[
            :80
        ]


def test_chapters_agree_on_how_long_a_silent_broker_is_taken_for_alive() -> None:
    """From the last heartbeat on, up to one before the silence, and the controller's next look.

    (`broker.session.timeout.ms` / 8: ClusterControlManager and PeriodicTaskControlManager.)
    """
    assert SESSION_S - HEARTBEAT_S == 2
    assert 3 < SESSION_S * (1 + 1 / 8) < 3.5
    told = {text.chapter[:2]: prose_of(read(text.saved)) for text in chapters()}
    said = {
        number: re.findall(r"every eighth of that time[;:] so ([^.]*)", " ".join(words.split()))
        for number, words in told.items()
    }
    assert all(len(said[number]) == 1 for number in ("00", "03", "04"))
    assert all(
        "two and three and a half seconds" in one for found in said.values() for one in found
    )
