"""Numbers in a notebook's prose come from its own run.

In a chapter's text a number that was measured is a name in double braces: `{{lost}} of {{acked}}
are gone`. The front matter of `en.md` says what of which run it is:

    numbers:
      lost: {run: acks.leader_crash, settings: {acks: 1}, shows: counts.lost}
      wait: {run: acks.leader_crash, settings: {acks: 1}, shows: measurements.stall_ms,
             scale: 0.001, digits: 1}
      gone: {cell: "print(", find: '([\\d,]+) of'}

`run` is an experiment and `settings` those that tell its runs apart; `shows` is the way to the
figure in what `labs run --json` prints. Where no experiment runs, `find` has one group, looked for
in the words that the first cell that begins with `cell` shows. `scale` (ms → s) and `digits` after
the point are optional. `make notebooks` fills the numbers in, and a test holds that the saved prose
agrees with the saved outputs.

A measurement is named in back-quotes, in the words of the panel's table: `fenced after`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import unescape
from typing import Any

from labs.base.figures import figure
from labs.notebook.finding import RESULT_MIME

NAMED = re.compile(r"\{\{ *(.*?) *\}\}")


def fill(book: Any, asked: Mapping[str, Any]) -> None:
    """Put the numbers of the notebook's own outputs where its prose names them.

    Raises:
        LookupError: the prose names a number that nobody asks for, or the run did not show it.
    """
    found: dict[str, str] = {}

    def number(match: re.Match[str]) -> str:
        name = match[1]
        if name not in asked:
            known = ", ".join(asked) or "none"
            raise LookupError(f"the prose names {match[0]}; the front matter of en.md has {known}")
        if name not in found:
            found[name] = _number(book, name, **asked[name])
        return found[name]

    for cell in book.cells:
        if cell.cell_type == "markdown":
            cell.source = NAMED.sub(number, cell.source)


def _number(book: Any, name: str, scale: float = 1, digits: int | None = None, **where: Any) -> str:
    value = _measured(book, name, **where) if "run" in where else _found(book, name, **where)
    if scale == 1 and digits is None:
        return value if isinstance(value, str) else figure(value)
    plain = float(value.replace(",", "") if isinstance(value, str) else value)
    return f"{plain * scale:,.{digits or 0}f}"


def _measured(
    book: Any, name: str, run: str, shows: str, settings: Mapping[str, Any] | None = None
) -> float | str:
    """A figure of the one run of an experiment with these settings."""
    wanted = {key: str(value) for key, value in (settings or {}).items()}
    fits = [
        result
        for result in _results(book)
        if result["experiment"] == run
        and wanted.items() <= {key: str(value) for key, value in result["settings"].items()}.items()
    ]
    if len(fits) != 1:
        raise LookupError(f"{name} must come from one run of {run} {wanted}, not {len(fits)}")
    value: Any = fits[0]
    for key in shows.split("."):
        value = (value or {}).get(key)
    if not isinstance(value, int | float | str):
        raise LookupError(f"the run of {run} {wanted} does not show {name} as {shows}: {fits[0]}")
    return value


def _results(book: Any) -> list[dict[str, Any]]:
    """The results that the outputs carry, each once."""
    found: list[dict[str, Any]] = []
    for cell in book.cells:
        for output in cell.get("outputs", []):
            result = output.get("data", {}).get(RESULT_MIME)
            if result is not None and result not in found:
                found.append(result)
    return found


def _found(book: Any, name: str, cell: str, find: str) -> str:
    """What stands in a cell's outputs."""
    shown = next((_shown(c) for c in book.cells if c.source.startswith(cell)), "")
    match = re.search(find, shown)
    if match is None:
        raise LookupError(f"{cell} did not show {name}, of which the prose speaks: {shown[:2000]}")
    return match[1]


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
    outputs = cell.get("outputs", [])
    return " ".join(str(o.get("data", {}).get("text/html", o.get("text", ""))) for o in outputs)


def _shown(cell: Any) -> str:
    """The outputs' words, in one line."""
    bare = re.sub(r"<style>.*?</style>", "", _page(cell), flags=re.DOTALL)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", bare)))
