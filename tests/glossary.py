"""The glossary, made of the chapters: `python -m tests.glossary` writes `notebooks/glossary.md`.

A term stands in bold where it is explained, with its Korean name behind it in brackets, the first
time that it appears: `A **broker** (브로커) is a server …`. The sentence around it is its meaning.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from labs.supervise.home import PROJECT
from tests.course import Text, chapters

FILE = Path("notebooks", "glossary.md")

_TERM = re.compile(r"\*\*([^*\n]+)\*\*\s*\(([^()]*[가-힣][^()]*)\)")
_SENTENCE_ENDS = re.compile(r"(?<=[.!?:])[*)\"]*\s+(?=[\"A-Z*`(])")
_ITEM = re.compile(r"\n(?=\||(?:[-*]|\d+\.) )")
_HEAD = """\
# Glossary

Each term, where it is explained first. This page is made of the chapters by `make notebooks`.

| term | Korean | what it is | explained in |
|---|---|---|---|
"""


@dataclass(frozen=True)
class Term:
    """A term, its Korean name, the sentence that explains it, and its chapter."""

    name: str
    korean: str
    meaning: str
    chapter: Text

    @property
    def row(self) -> str:
        """Its row of the table."""
        link = f"[{self.chapter.front['title']}]({self.chapter.notebook.name})"
        return f"| {self.name} | {self.korean} | {self.meaning} | {link} |\n"


def terms(texts: Sequence[Text]) -> list[Term]:
    """Every term, once, by the alphabet."""
    found: dict[str, Term] = {}
    for text in texts:
        for term in _terms_of(text):
            found.setdefault(term.name.lower(), term)
    return [found[name] for name in sorted(found)]


def _terms_of(text: Text) -> Iterator[Term]:
    for cell in text.book().cells:
        if cell.cell_type != "markdown":
            continue
        for block in re.split(r"\n\s*\n", cell.source):
            for sentence in _sentences(block):
                for found in _TERM.finditer(sentence):
                    name, korean = (" ".join(part.split()) for part in found.groups())
                    if not re.search("[A-Za-z]", sentence[: found.start()]):
                        name = _small(name)
                    yield Term(name, korean, _plain(sentence), text)


def _sentences(block: str) -> list[str]:
    items = (" ".join(item.split()) for item in _ITEM.split(block))
    return [sentence for item in items for sentence in _SENTENCE_ENDS.split(item)]


def _small(name: str) -> str:
    """Without the capital letter of a sentence's beginning; `ISR`, `Kafka Connect` keep theirs."""
    begins_a_sentence = name[1:2].islower() and not any(map(str.istitle, name.split()[1:]))
    return name[:1].lower() + name[1:] if begins_a_sentence else name


def _plain(sentence: str) -> str:
    """Without the Korean name, bold letters and what begins a list's item or a table's row."""
    text = _TERM.sub(r"\1", sentence).replace("**", "")
    return re.sub(r"^([-*]|\d+\.)\s+|\|", "", text).strip()


def page(texts: Sequence[Text]) -> str:
    """The whole page."""
    return _HEAD + "".join(term.row for term in terms(texts))


def write() -> None:
    """Make the page anew."""
    (PROJECT / FILE).write_text(page(chapters()), "utf-8")


if __name__ == "__main__":
    write()
