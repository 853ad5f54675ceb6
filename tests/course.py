"""A chapter's text: `course/NN_name/en.md`, from which `make notebooks` makes its notebook.

It is MyST Markdown as Jupytext reads it: prose, code cells between ```` ```{code-cell} ```` and
```` ``` ````, and `+++` between two cells of prose. Its front matter says what the README's table
tells of the chapter (`title`, `minutes`, `does`, and `book`: the chapters of the book), and where
the numbers in the prose come from (`numbers`: `tests/prose.py`), which options of its panels came
true (`came_true`: `tests/outcomes.py`), and whether each belief is true (`beliefs`).

A cell that begins a program of the learner's has only its first line, `%%writefile
{task("05.1").program}`: what the exercise begins with is put below it.

The same chapter in another language stands beside it (`ko.md`) and has the same code cells. Its
numbers are asked for in `en.md`, too. Its links are written as in `en.md`; in its notebook, which
lies in a folder of its own, they lead to what there is: to a chapter in the same language, else to
what lies above.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import zip_longest
from pathlib import Path
from typing import Any

import jupytext
import nbformat

from labs.base.words import FIRST
from labs.chapters import find_exercise
from labs.supervise.home import PROJECT
from tests import prose

#: What the tests look for in a chapter's prose, in each language in which there are texts.
QUESTIONS = {"en": "**Questions**", "ko": "**질문**"}
KEY_POINTS = {"en": "## Key points", "ko": "## 핵심 정리"}
MINUTES = {"en": r"\d+ minutes", "ko": r"\d+분"}
OPTIONAL = {"en": r"\boptional, \d+ minutes", "ko": r"선택, \d+분"}
#: What JupyterLab writes into a notebook that it opens: to find it there is to change nothing.
KERNEL = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {
        "codemirror_mode": {"name": "ipython", "version": 3},
        "file_extension": ".py",
        "mimetype": "text/x-python",
        "name": "python",
        "nbconvert_exporter": "python",
        "pygments_lexer": "ipython3",
        "version": "3",  # labs/app/ipython_kernel_config.py
    },
}
#: The first line of a cell that writes a learner's program, with the exercise's id.
WRITES = re.compile(r'%%writefile \{task\("([\d.]+)"\)\.program\}')
#: Where a link leads that is no address.
LINK = re.compile(r"\]\((?!\w+:|#)([^)#\s]+)")
TABLE = re.compile(r"(?<=<!-- This table is made by `make notebooks`. -->\n)(\|.*\n)*")
HEAD = ("| notebook | minutes | what you do | the book³ |", "|---|---|---|---|")


@dataclass(frozen=True)
class Text:
    """One language's text of a chapter."""

    path: Path

    @property
    def chapter(self) -> str:
        """As in `03_acks`."""
        return self.path.parent.name

    @property
    def language(self) -> str:
        """As in `en`."""
        return self.path.stem

    @property
    def notebook(self) -> Path:
        """Where its notebook is, seen from the project's folder."""
        folder = "" if self.language == FIRST else self.language
        return Path("notebooks", folder, f"{self.chapter}.ipynb")

    @property
    def saved(self) -> Path:
        """Where its notebook is."""
        return self.path.parents[2] / self.notebook

    @cached_property
    def _read(self) -> Any:
        read = jupytext.read(self.path, fmt="md:myst")
        for cell in code_of(read):
            cell.source = _with_starter(cell.source)
        return read

    @property
    def front(self) -> dict[str, Any]:
        """The front matter."""
        return dict(self._read.metadata)

    @property
    def numbers(self) -> dict[str, Any]:
        """Where the numbers in the prose come from, as the chapter's first text has it."""
        return dict(self._first.get("numbers", {}))

    @property
    def came_true(self) -> dict[str, list[str]]:
        """Which options the text says came true, as the chapter's first text has it."""
        return dict(self._first.get("came_true", {}))

    @property
    def _first(self) -> dict[str, Any]:
        first = self.path.with_name(f"{FIRST}.md")
        return self.front if first == self.path else Text(first).front

    @property
    def code(self) -> list[Any]:
        """The code cells."""
        return code_of(self._read)

    def book(self) -> Any:
        """A new notebook, not run; where its prose has a number stands the number's name."""
        book = nbformat.v4.new_notebook(metadata=KERNEL)
        for number, cell in enumerate(self._read.cells, start=1):
            new = nbformat.from_dict(cell)
            new.id = f"cell-{number:02}"
            if new.cell_type == "markdown" and self.language != FIRST:
                new.source = LINK.sub(self._from_its_folder, new.source)
            book.cells.append(new)
        return book

    def _from_its_folder(self, link: re.Match[str]) -> str:
        beside = self.path.parents[1] / Path(link[1]).stem / self.path.name
        return f"]({link[1]}" if beside.exists() else f"](../{link[1]}"

    def drift(self, saved: Any) -> str:
        """Where a saved notebook is not what this text and its own outputs make; "" if nowhere."""
        where, ran = str(self.notebook), code_of(saved)
        if strayed := _first_difference(self.code, ran, f"{where}, code"):
            return strayed
        book = self.book()
        for new, old in zip(code_of(book), ran, strict=True):
            new.outputs = old.outputs
        try:
            prose.fill(book, self.numbers)
        except LookupError as error:
            return f"{where}: {error}"
        if saved.metadata != book.metadata:
            return f"{where}: the metadata differ"
        return _first_difference(book.cells, saved.cells, where)

    def strays(self, first: Text) -> str:
        """The first code cell that is not as in the chapter's first text; "" if there is none."""
        return _first_difference(first.code, self.code, f"{self.chapter}/{self.path.name}, code")


def _with_starter(source: str) -> str:
    """A cell; one that only says which program it writes, with what everybody begins with."""
    if not (writes := WRITES.fullmatch(source)):
        return source
    return f"{source}\n{find_exercise(writes[1]).starter('python').read_text('utf-8').rstrip()}"


def code_of(book: Any) -> list[Any]:
    """A notebook's code cells."""
    return [cell for cell in book.cells if cell.cell_type == "code"]


def _first_difference(ours: Sequence[Any], theirs: Sequence[Any], where: str) -> str:
    for number, (one, other) in enumerate(zip_longest(ours, theirs), start=1):
        if one is None or other is None or _compared(one) != _compared(other):
            told = f"{one.source if one else None!r}, not {other.source if other else None!r}"
            return f"{where}: cell {number} must be {told}"
    return ""


def _compared(cell: Any) -> tuple[str, str, dict[str, Any]]:
    return cell.cell_type, cell.source, dict(cell.metadata)


def texts(project: Path = PROJECT) -> list[Text]:
    """Every text of every chapter, chapter by chapter."""
    return [Text(path) for path in sorted((project / "course").glob("*/*.md"))]


def chapters(project: Path = PROJECT) -> list[Text]:
    """The first text of every chapter, in the order in which they are studied."""
    return [text for text in texts(project) if text.language == FIRST]


def with_table(readme: str, chapters: Sequence[Text]) -> str:
    """The README with its table of the chapters as their texts have it."""
    rows = "".join(f"{line}\n" for line in (*HEAD, *map(_row, chapters)))
    return TABLE.sub(lambda _: rows, readme, count=1)


def _row(text: Text) -> str:
    front, number = text.front, text.chapter.partition("_")[0]
    link = f"[{number} {front['title']}]({text.notebook.as_posix()})"
    return f"| {link} | {front['minutes']} | {front['does']} | {front.get('book', '–')} |"
