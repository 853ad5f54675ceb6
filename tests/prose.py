"""Numbers in a notebook's prose come from its own run.

In a chapter's text a number that was measured is a name in double braces: `{{lost}} of {{acked}}
are gone`. The front matter of `en.md` says what of which run it is:

    numbers:
      lost: {run: acks.leader_crash, settings: {acks: 1}, shows: counts.lost}
      wait: {run: acks.leader_crash, settings: {acks: 1}, shows: measurements.stall_ms,
             scale: 0.001, digits: 1}

`run` is an experiment and `settings` those that tell its runs apart; `shows` is the way to the
figure in what `labs run --json` prints. `scale` (ms → s) and `digits` after the point are optional.
`make notebooks` fills the numbers in, and a test holds that the saved prose agrees with the saved
results: no number is read out of a sentence.

A measurement is named in back-quotes, in the words of the panel's table: `fenced after`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from labs.base.figures import figure
from labs.chapters import all_experiments
from labs.experiment.settings import by_todays_ids
from labs.notebook.called import called
from labs.notebook.finding import RESULT_MIME
from labs.notebook.result_html import main_measurements

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


def _number(book: Any, name: str, scale: float = 1, digits: int | None = None, **run: Any) -> str:
    value = _measured(book, name, **run)
    if isinstance(value, str) or (scale == 1 and digits is None):
        return figure(value)
    return f"{value * scale:,.{digits or 0}f}"


def _measured(
    book: Any, name: str, run: str, shows: str, settings: Mapping[str, Any] | None = None
) -> float | str:
    """A figure of the one run of an experiment with these settings."""
    known = next((one.settings for one in all_experiments() if one.name == run), ())
    wanted = {key: str(value) for key, value in (settings or {}).items()}
    fits = [
        result
        for result in results(book)
        if result["experiment"] == run
        and all(
            str(by_todays_ids(known, result["settings"]).get(key)) == value
            for key, value in wanted.items()
        )
    ]
    if len(fits) != 1:
        raise LookupError(f"{name} must come from one run of {run} {wanted}, not {len(fits)}")
    value: Any = fits[0]
    for key in shows.split("."):
        value = (value or {}).get(key)
    if not isinstance(value, int | float | str):
        raise LookupError(f"the run of {run} {wanted} does not show {name} as {shows}: {fits[0]}")
    return value


def results(book: Any) -> list[dict[str, Any]]:
    """The results that the outputs carry, each once."""
    found: list[dict[str, Any]] = []
    for cell in book.cells:
        for output in cell.get("outputs", []):
            result = output.get("data", {}).get(RESULT_MIME)
            if result is not None and result not in found:
                found.append(result)
    return found


def measurements(book: Any) -> set[str]:
    """What the tables of the notebook's own results call their measurements."""
    shown = (
        main_measurements(result["measurements"], called(result["experiment"]))
        for result in results(book)
    )
    return {name for table in shown for name, _ in table}


def measurements_named(book: Any) -> set[str]:
    """What the prose takes for a measurement.

    That is a back-quoted phrase of plain words, but for our own commands; and a single such word
    that a reader is told to compare.
    """
    cells = (cell.source for cell in book.cells if cell.cell_type == "markdown")
    text = re.sub(r"```.*?```", "", "\n".join(cells), flags=re.DOTALL)
    phrases = {" ".join(name.split()) for name in _PHRASE.findall(text)}
    return {name for name in phrases if not name.startswith("labs ")} | {
        name for found in _COMPARED.findall(text) for name in found if name
    }


#: Without capital letters; Hangul has none.
_PHRASE = re.compile(r"`([^\W\dA-Z_][^\WA-Z_]*(?:\s[^\WA-Z_]+)+)`")
_COMPARED = re.compile(r"[Cc]ompare `([a-z]+)`|`([가-힣]+)`[을를] 비교")
