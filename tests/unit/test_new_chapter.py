"""To add a chapter is to add its own files: one is added to a copy of the project, by the letter of
CONTRIBUTING.md, and everything finds it.
"""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest

from labs.supervise.home import PROJECT
from tests import settings_sheet
from tests.course import Text
from tests.run import NBVAL
from tests.save_notebooks import write_table

NUMBER, NAME, WHAT = "99", "throwaway", "one"

RECALLED = ("leader", "offset", "group")
RECALL = """
[recall_{0}]
quiz = "What is a {0}?"

[recall_{0}.options]
one = "One."
two = "Two."
three = "Three."

[recall_{0}.why]
one = "It is one."
two = "It is not two."
three = "It is not three."
"""

#: What is written to each of the files that CONTRIBUTING.md names. Not needed here: what a program
#: begins with, a further solution.
FILES = {
    "course/NN_name/en.md": """---
title: Throwaway
minutes: 10
does: send a record, and count
---

# Chapter 99

*10 minutes*

**Questions**

- How many?

```{code-cell}
from labs import check, panel, quiz, recap
```

```{code-cell}
# three questions from chapters 0 to 98: answer before you look back
"""
    + "\n".join(f'display(quiz("throwaway.recall_{name}", answer="one"))' for name in RECALLED)
    + "\n```\n"
    + "\n+++\n\nA word.\n" * 20
    + "".join(
        f"""
```{{code-cell}}
panel("throwaway.count", records={n})
```
"""
        for n in (1, 2, 3)
    )
    + """
```{code-cell}
check("99.1", "")
```

## Key points

- One is one.

Terms: [glossary](glossary.md). Before: [chapter 1](01_overview.ipynb).

```{code-cell}
recap("throwaway")
```

```{code-cell}
from labs import check, exercises

exercises("throwaway")
```
""",
    "course/NN_name/settings.toml": """[topic]
"segment.bytes" = ["the largest file of a partition, in bytes", "seldom"]
""",
    "labs/chapters/name/en.toml": """[count]
question = "How many records are there?"
predict = "How many?"

[count.options]
one = "one"
two = "two"

[count.why]
one = "One is one."
two = "One is not two."

[count.help]
records = "how many are sent"
"""
    + "".join(map(RECALL.format, RECALLED)),
    "labs/chapters/name/__init__.py": '''"""Chapter 99: counting."""

from __future__ import annotations

from labs.base.words import Words
from labs.experiment.experiment import Experiment
from labs.experiment.prediction import Options
from labs.experiment.run import Run
from labs.experiment.settings import Number

NUMBER = 99


def _count(run: Run) -> None:
    run.make_topic()


EXPERIMENTS = (
    Experiment(
        "throwaway.count",
        Words(__file__),
        (Number("records", 1, 3, 1),),
        _count,
        Options(("one", "two"), lambda _: "one"),
        breaks=False,
    ),
)
''',
    "tests/experiments/test_name.py": "def test_one_is_one() -> None:\n    assert True\n",
    "tests/integration/test_claims_NN.py": (
        "def test_the_default_is_one() -> None:\n    assert True\n"
    ),
    "labs/chapters/name/exercises/what/__init__.py": '''"""99.1: how much is one?"""

from __future__ import annotations

from labs.base.words import Words
from labs.exercise.exercise import ANSWER, Exercise
from labs.exercise.judging import Judging
from labs.exercise.verdict import NotYet


def judge(judging: Judging) -> None:
    """One is one."""
    if not judging.answer:
        raise NotYet("unanswered")
    if judging.answer != "1":
        raise NotYet("small" if judging.answer == "0" else "large")


EXERCISE = Exercise("99.1", ANSWER, Words(__file__), judge, minutes=1, prepare=lambda _: {})
''',
    "labs/chapters/name/exercises/what/en.toml": """title = "Say how much one is"
task = "How much is one?"
passed = "One is one."

[why]
small = "One is more."
large = "One is less."

[hints.small]
a = "Count again."
b = "Begin to count with 1."

[hints.large]
a = "Count again."
b = "End where you began."
""",
    "labs/chapters/name/exercises/what/solution.py": '"""Says it."""\n\nprint(1)\n',
    "tests/exercises/name/what/small.py": '"""Says less."""\n\nprint(0)\n',
    "tests/exercises/name/what/large.py": '"""Says more."""\n\nprint(2)\n',
    "tests/exercises/name/what/unanswered.starter": "",
}

#: The chapter's text in Korean, made of the English one; its links are the same.
KOREAN = {
    "title: Throwaway": "title: 임시 장",
    "does: send a record, and count": "does: 레코드를 보내고 세기",
    "# Chapter 99": "# 99장",
    "*10 minutes*": "*10분*",
    "**Questions**": "**질문**",
    "How many?": "몇 개인가?",
    "A word.": "한 마디.",
    "## Key points": "## 핵심 정리",
    "One is one.": "하나는 하나다.",
    "Terms:": "용어:",
}
SAID_IN_KOREAN = """[count]
question = "레코드가 몇 개인가?"

[count.measured]
records = "레코드 수"
"""

#: What a test says that looks at all chapters, and has no case for each of them.
LOOKS = re.compile(
    r"\b(chapters|texts|numbers|all_experiments|all_exercises|notebooks_imports)\(|glob\("
)


def named() -> list[str]:
    """The files of a chapter and of an exercise, as CONTRIBUTING.md lists them."""
    words = (PROJECT / "CONTRIBUTING.md").read_text("utf-8").partition("## Add a chapter\n")[2]
    words = words.partition("\n### In another language")[0]
    return re.findall(r"^\| `([^`]+)` ", words, re.MULTILINE)


def of_ours(path: str) -> str:
    for what, ours in (("NN", NUMBER), ("name", NAME), ("what", WHAT)):
        path = path.replace(what, ours)
    return path


@pytest.fixture(scope="module")
def files() -> dict[str, str]:
    """The files of a chapter, by path, in two languages; the notebooks are made."""
    ours = {of_ours(path): words for path, words in FILES.items()}
    korean = ours["course/99_throwaway/en.md"]
    for english, said in KOREAN.items():
        assert english in korean
        korean = korean.replace(english, said)
    said_by = {"labs/chapters/throwaway/ko.toml": SAID_IN_KOREAN}
    return {**ours, "course/99_throwaway/ko.md": korean, **said_by}


def test_they_are_files_that_contributing_names() -> None:
    wrong = re.compile(r"(?<=what/)\w+(?=\.)")
    ours = {wrong.sub("REASON", p) if p.startswith("tests/exercises/") else p for p in FILES}
    ours |= {"notebooks/NN_name.ipynb"}  # made of its text
    spared = {
        "labs/chapters/name/exercises/what/starter.py",
        "tests/exercises/name/what/passes__more.py",
    }
    assert ours == set(named()) - spared


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory, files: dict[str, str]) -> Path:
    """The project with the chapter; its notebook is not run, for that needs a cluster."""
    ignored = (PROJECT / ".gitignore").read_text("utf-8").split()
    grown = [Path(line).name for line in ignored]
    folder = tmp_path_factory.mktemp("copy") / "project"
    shutil.copytree(PROJECT, folder, ignore=shutil.ignore_patterns(".git", *grown), symlinks=True)
    for path, words in files.items():
        assert not (folder / path).exists()
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(words, "utf-8")
    for text in (Text(folder / path) for path in files if path.endswith(".md")):
        text.saved.parent.mkdir(exist_ok=True)
        nbformat.write(text.book(), text.saved)
    write_table(folder)
    return folder


@pytest.fixture(scope="module")
def collected(copy: Path) -> list[str]:
    """All tests of the copy, but those of a second cluster, of faults and of servers."""
    parts = ("unit", "integration", "experiments", "exercises", "browser")
    places = [f"tests/{part}" for part in parts]
    return said(
        copy, "pytest", "-q", "--collect-only", "-p", "no:cacheprovider", *places
    ).splitlines()


def said(copy: Path, *module: str) -> str:
    """What `python -m MODULE …` says in the copy; neither it nor what it starts leaves bytecode."""
    done = subprocess.run(
        [sys.executable, "-m", *module],
        cwd=copy,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
    return done.stdout


def test_the_command_lists_its_experiment_last(copy: Path) -> None:
    listed = [row["name"] for row in json.loads(said(copy, "labs", "experiments", "--json"))]
    assert listed[-1] == "throwaway.count"
    assert len(listed) > 1


def test_each_kind_of_tests_finds_it(collected: list[str]) -> None:
    for test in (
        "tests/integration/test_claims_99.py::test_the_default_is_one",
        "tests/experiments/test_throwaway.py::test_one_is_one",
        "tests/exercises/test_exercises.py::test_it_is_judged_rightly[99.1-large.py]",
        "tests/browser/test_panels.py::test_panels_predict_run_tell_and_stop[99_throwaway]",
        "tests/unit/test_notebooks.py::test_static_readers_see_every_widget[99_throwaway]",
        "tests/unit/test_course.py::test_every_language_has_the_same_code[99_throwaway-en]",
        "tests/unit/test_course.py::test_every_language_has_the_same_code[99_throwaway-ko]",
        "tests/unit/test_notebooks.py::test_its_links_lead_somewhere[99_throwaway-ko]",
    ):
        assert test in collected


def test_its_cells_are_run_with_all_others(copy: Path) -> None:
    collected = said(copy, "pytest", "-q", "--collect-only", *NBVAL, "notebooks")
    assert len(re.findall(r"^notebooks/99_throwaway\.ipynb::", collected, re.MULTILINE)) == 8


def test_the_readmes_table_has_it(copy: Path) -> None:
    before, after = ((p / "README.md").read_text("utf-8").splitlines() for p in (PROJECT, copy))
    row = "| [99 Throwaway](notebooks/99_throwaway.ipynb) | 10 | send a record, and count | – |"
    assert [line for line in after if line not in before] == [row]
    assert [line for line in after if line != row] == before


def test_the_sheet_of_settings_has_its_own(copy: Path) -> None:
    before, after = (settings_sheet.rows("topic", project) for project in (PROJECT, copy))
    assert after.keys() - before.keys() == {"segment.bytes"}
    said(copy, "tests.settings_sheet")
    page = (copy / settings_sheet.FILE).read_text("utf-8")
    assert "| `segment.bytes` | the largest file of a partition, in bytes | 1073741824 |" in page


def looking(path: Path) -> set[str]:
    """The tests of a file that look at all chapters."""
    tests = (node for node in ast.parse(path.read_text("utf-8")).body
             if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"))  # fmt: skip
    return {f"{path.name}::{test.name}" for test in tests if LOOKS.search(ast.unparse(test))}


def test_whatever_looks_at_chapters_is_content_with_it(copy: Path, collected: list[str]) -> None:
    """All unit tests that have a case for it, and all that look at every chapter; but its notebook
    was not run, and no server is started.
    """
    others = (
        path
        for path in (PROJECT / "tests/unit").glob("test_*.py")
        if path.name != Path(__file__).name
    )
    at_all = {f"tests/unit/{test}" for path in others for test in looking(path)}
    its_own = re.compile(r"^tests/unit/.*\[.*(throwaway|\b99\b)|::test_it_has_what.*\[99\.1\]")
    chosen = [test for test in collected if its_own.search(test) or test in at_all]
    chosen = [test for test in chosen if "run_from_top_to_bottom" not in test]
    for told in ("begins_with_three", "ends_with", "a_chapter_asks", "[chapters/throwaway]"):
        assert any(told in test for test in chosen)
    assert "passed" in said(copy, "pytest", "-q", "-p", "no:cacheprovider", *chosen)


def test_no_other_file_was_edited(copy: Path, files: dict[str, str]) -> None:
    ours = {
        path.relative_to(copy)
        for path in _files(copy)
        if not (PROJECT / path.relative_to(copy)).exists()
        or path.read_bytes() != (PROJECT / path.relative_to(copy)).read_bytes()
    }
    made = {Path("notebooks", folder, f"{NUMBER}_{NAME}.ipynb") for folder in ("", "ko")}
    made |= {Path("README.md"), settings_sheet.FILE}
    assert ours == {Path(path) for path in files} | made


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())
