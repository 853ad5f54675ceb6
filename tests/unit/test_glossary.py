"""The glossary is made of the chapters."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from labs.supervise.home import PROJECT
from tests import glossary
from tests.course import Text, chapters
from tests.glossary import Term
from tests.minutes import FOLDED

TEXT = """---
title: Small
minutes: 5
does: explain
---

# Small

A **broker** (브로커) is a server. It **works**.

- **ISR** (in-sync replicas, 동기화된 복제본): the leader and
  its followers.
- The "end." A **log** (로그) is on disk.

A **Broker** (브로커) again.
"""


def test_the_glossary_is_what_the_chapters_explain() -> None:
    saved = (PROJECT / glossary.FILE).read_text("utf-8")
    assert glossary.page(chapters()) == saved, "`python -m tests.glossary` makes it anew"


def test_a_term_is_explained_by_the_sentence_where_it_stands_first(tmp_path: Path) -> None:
    path = tmp_path / "course" / "99_small" / "en.md"
    path.parent.mkdir(parents=True)
    path.write_text(TEXT, "utf-8")
    found = [(t.name, t.korean, t.meaning) for t in glossary.terms([Text(path)])]
    assert found == [
        ("broker", "브로커", "A broker is a server."),
        ("ISR", "in-sync replicas, 동기화된 복제본", "ISR: the leader and its followers."),
        ("log", "로그", "A log is on disk."),
    ]


#: How a sentence says what something is: the term comes first, and then one of these.
SAYS = "is|are|means|makes|has|assigns|keeps|moves|notes|reads|restarts|says|sends|turns"


@pytest.mark.parametrize("term", glossary.terms(chapters()), ids=lambda term: term.name)
def test_a_meaning_stands_alone(term: glossary.Term) -> None:
    """It is a whole sentence that begins with the term: no table, and no text before it."""
    begins = rf"(In |To )?(An? |The )?{re.escape(term.name)}"
    assert re.fullmatch(rf"{begins}\b.*? ({SAYS})\b [^|]*[.]", term.meaning, re.IGNORECASE), (
        f"{term.chapter.path}: `**{term.name}** ({term.korean}) is …` in a sentence of its own"
    )


def test_the_readme_leads_to_it() -> None:
    assert f"({glossary.FILE.as_posix()})" in (PROJECT / "README.md").read_text("utf-8")


# -- chapters that are started cold ----------------------------------------------------------------

#: Their readers know chapters 0 and 1, and may not have seen a chapter before these.
COLD = [text for text in chapters() if text.chapter >= "10"]
CODE = re.compile(r"```.*?```|`[^`]*`", re.DOTALL)


@pytest.mark.parametrize("text", COLD, ids=lambda text: text.chapter)
def test_a_term_of_a_chapter_between_is_explained_or_linked_where_it_stands_first(
    text: Text,
) -> None:
    known = "".join(prose(one) for one in chapters() if one.chapter < "02")
    between = [t for t in glossary.terms(chapters()) if "02" <= t.chapter.chapter < "10"]
    new = [term for term in between if not used(term).search(known)]
    assert [term.name for term in new if not explained(term, prose(text))] == []


def prose(text: Text) -> str:
    """What one reads on a chapter's main path."""
    cells = (cell.source for cell in text.book().cells if cell.cell_type == "markdown")
    return CODE.sub(" ", FOLDED.sub(" ", "\n\n".join(cells)))


def used(term: Term) -> re.Pattern[str]:
    """What finds a term, of one or of several."""
    return re.compile(rf"\b{re.escape(term.name)}(?:e?s)?\b", re.IGNORECASE)


def explained(term: Term, prose: str) -> bool:
    """Whether a term is not used, or in bold or a link's words where it stands first."""
    first = used(term).search(prose)
    word = rf"[^*\[\]\n]*{used(term).pattern}[^*\[\]\n]*"
    marked = re.search(rf"\*\*(?=\w){word}\*\*|\[{word}\]\(", prose, re.IGNORECASE)
    return not first or bool(marked and marked.start() < first.start())


def test_a_term_that_is_used_before_it_is_explained_is_noticed() -> None:
    lag = Term("lag", "랙", "", chapters()[0])
    for text, well in [
        ("No error.", True),
        ("No **lag** (랙: what waits), no lag.", True),
        ("No [lag](glossary.md).", True),
        ("No lag. **Lag** (랙) is what waits.", False),
        ("**No** lag **at all**, and no flag", False),
    ]:
        assert explained(lag, text) == well, text
