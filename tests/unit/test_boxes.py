"""Each row of a box "the book says … / now …" is named by a test that asks for its "now"."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from labs.supervise.home import PROJECT
from tests.course import Text, chapters

TESTS = PROJECT / "tests"


@pytest.mark.parametrize("text", chapters(), ids=lambda text: text.chapter)
def test_each_now_has_a_test(text: Text) -> None:
    claims = Path("integration", f"test_claims_{text.chapter.partition('_')[0]}.py")
    named, rows = named_in(TESTS / claims), rows_of(text)
    for row in rows:
        assert sum(words in row for words in named) == 1, f"{claims}, NOW: {row}"
    assert len(named) == len(rows), "one of them is of a row that is gone"
    for test in named.values():
        file, _, name = test.rpartition("::")
        assert f"def {name}(" in (TESTS / (file or claims)).read_text("utf-8"), test


def rows_of(text: Text) -> list[str]:
    """The rows of the chapter's box, if it has one, without their head."""
    box = re.search(r"<b>The book says.*?</details>", text.path.read_text("utf-8"), re.DOTALL)
    return re.findall(r"^\| .*", box[0], re.MULTILINE)[1:] if box else []


def named_in(claims: Path) -> dict[str, str]:
    """Words of each row, and the test for it: `NOW` in the file of the chapter's claims."""
    found: dict[str, str] = {}
    for node in ast.parse(claims.read_text("utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "NOW":
            found = ast.literal_eval(node.value)
    return found
