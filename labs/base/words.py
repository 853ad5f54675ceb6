"""Sentences, looked up by their ids. No code depends on what a sentence says.

>>> words = Words(__file__)              # the table `en.toml`, beside the file that asks
>>> words("crash.title", lost=100)       # under [crash]: title = "{lost:,} records are gone"
'100 records are gone'

Where English tells one from many, a sentence is a pair, chosen by `count` (the names are CLDR's):
`lead = { one = "{names} has no leader", other = "{names} have no leader" }`. Another language is
another table beside it, such as `ko.toml`; what that lacks is said in English. It is spoken where a
notebook of that language runs: in `notebooks/ko`.
"""

from __future__ import annotations

import contextlib
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

FIRST = "en"  # the language in which everything can be said


def language_of(folder: Path) -> str:
    """The language of the notebooks of a folder, by the name of its tables: `notebooks/ko`."""
    known = folder.parent.name == "notebooks" and re.fullmatch("[a-z]{2}", folder.name)
    return folder.name if known else FIRST


def _around() -> Path:
    """Where we run: a kernel runs beside its notebook."""
    with contextlib.suppress(OSError):  # it was deleted
        return Path.cwd()
    return Path("/")


#: In which language we speak.
LANGUAGE = language_of(_around())


class Words:
    """The sentences of one folder.

    Args:
        file: any file in it, as `__file__`.
    """

    def __init__(self, file: str) -> None:
        self._folder = Path(file).resolve().parent

    @property
    def folder(self) -> Path:
        """The folder whose sentences these are."""
        return self._folder

    def __call__(self, name: str, /, **values: object) -> str:
        """The sentence of that id, with these values in their places.

        Raises:
            KeyError: the table has no such sentence, or the sentence asks for a value not given.
        """
        told = table(self._folder, LANGUAGE)
        if name not in told and "count" in values:
            name += ".one" if values["count"] == 1 and f"{name}.one" in told else ".other"
        return told[name].format_map(values)

    def __contains__(self, name: str) -> bool:
        return name in table(self._folder, LANGUAGE)

    def under(self, name: str) -> dict[str, str]:
        """All sentences of a section, by the rest of their ids, in the table's order."""
        start = f"{name}."
        told = table(self._folder, LANGUAGE)
        return {id.removeprefix(start): told[id] for id in told if id.startswith(start)}


def listed(names: Sequence[str]) -> str:
    """`A`, `A and B`, `A, B and C`."""
    *first, last = names
    return _OWN("listed", first=", ".join(first), last=last) if first else last


@cache
def table(folder: Path, language: str) -> Mapping[str, str]:
    """A folder's sentences by their ids: English, and over it what is said in that language."""
    found: dict[str, str] = {}
    for name in dict.fromkeys((FIRST, language)):
        path = folder / f"{name}.toml"
        if name == FIRST or path.exists():
            found |= _sentences(tomllib.loads(path.read_text(encoding="utf-8")))
    return found


def _sentences(section: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    for name, inner in section.items():
        if isinstance(inner, str):
            yield above + name, inner
        else:
            yield from _sentences(inner, f"{above}{name}.")


_OWN = Words(__file__)
