"""The glossary is made of the chapters."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from labs.supervise.home import PROJECT
from tests import glossary
from tests.course import Text, chapters

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
