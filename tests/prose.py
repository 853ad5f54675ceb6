"""Numbers in a notebook's prose come from its own run.

In a markdown cell a number that was measured is followed by its name in a comment, which no reader
sees: `202<!--lost--> of 310<!--acked-->`. The notebook's metadata says where the run shows it:

    {"labs": {"numbers": {"lost": {"cell": "crash.run()", "find": "([\\d,]+) of", "scale": 0.001}}}}

`find` has one group, looked for in the words of the outputs of the first cell that begins with
`cell`. `scale` (ms → s) and `digits` are optional. Saving a notebook fills the numbers in, and a
test holds that the saved prose agrees with the saved outputs.

A measurement is named in back-quotes, in the words of the panel's table: `fenced after`.
"""

from __future__ import annotations

import re
from html import unescape
from typing import Any

_MEASURED = re.compile(r"[\d,.]*\d(?=<!--(\w+)-->)")


def fill(book: Any) -> None:
    """Put the numbers of the notebook's own outputs into its prose.

    Raises:
        LookupError: the run did not show a number that the prose names.
    """
    found = numbers(book)
    for cell in book.cells:
        if cell.cell_type == "markdown":
            cell.source = _MEASURED.sub(lambda match: found[match[1]], cell.source)


def named(book: Any) -> dict[str, str]:
    """The measured numbers as the prose has them, by name."""
    prose = "\n".join(cell.source for cell in book.cells if cell.cell_type == "markdown")
    return {match[1]: match[0] for match in _MEASURED.finditer(prose)}


def numbers(book: Any) -> dict[str, str]:
    """The same numbers, as the outputs have them."""
    asked = book.metadata.get("labs", {}).get("numbers", {})
    return {name: _number(book, name, **where) for name, where in asked.items()}


def _number(
    book: Any, name: str, cell: str, find: str, scale: float = 1, digits: int | None = None
) -> str:
    text = _shown(next(c for c in book.cells if c.source.startswith(cell)))
    match = re.search(find, text)
    if match is None:
        raise LookupError(f"{cell} did not show {name}, of which the prose speaks: {text[:2000]}")
    if scale == 1 and digits is None:
        return match[1]
    value = float(match[1].replace(",", "")) * scale
    return f"{value:,.{digits or 0}f}"


def measurements(book: Any) -> set[str]:
    """What the tables of the notebook's own outputs call their measurements."""
    return set(_ROW.findall("".join(map(_page, book.cells))))


def measurements_named(book: Any) -> set[str]:
    """What the prose takes for a measurement.

    That is a back-quoted phrase of plain words, but for our own commands; and a single such word
    that a reader is told to compare.
    """
    cells = (cell.source for cell in book.cells if cell.cell_type == "markdown")
    text = re.sub(r"```.*?```", "", "\n".join(cells), flags=re.DOTALL)
    phrases = {" ".join(name.split()) for name in _PHRASE.findall(text)}
    return {name for name in phrases if not name.startswith("labs ")} | set(_COMPARED.findall(text))


_ROW = re.compile(r'<tr><td>([^<]*)</td><td class="labs-figure">')
_PHRASE = re.compile(r"`([a-z][a-z0-9]*(?:\s[a-z0-9]+)+)`")
_COMPARED = re.compile(r"[Cc]ompare `([a-z]+)`")


def _page(cell: Any) -> str:
    return " ".join(str(o.get("data", {}).get("text/html", "")) for o in cell.get("outputs", []))


def _shown(cell: Any) -> str:
    """The outputs' words, in one line."""
    bare = re.sub(r"<style>.*?</style>", "", _page(cell), flags=re.DOTALL)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", bare)))
