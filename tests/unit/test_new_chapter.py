"""To add a chapter is to add its own files: one is added to a copy of the project, by the letter of
CONTRIBUTING.md, and everything finds it.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest

from labs.supervise.home import PROJECT
from tests.course import Text
from tests.run import NBVAL
from tests.save_notebooks import write_table

NUMBER, NAME = "99", "throwaway"

#: What is written to each of the files, by the beginning of its path.
FILES = {
    "course/": """---
title: Throwaway
minutes: 5
does: send a record, and count
---

# Chapter 99

*5 minutes*

**Questions**

- How many?

```{code-cell}
from labs import panel
```
"""
    + "\n+++\n\nA word.\n" * 20
    + "".join(
        f"""
```{{code-cell}}
panel("throwaway.count", records={n})
```
"""
        for n in (1, 2, 3)
    )
    + "\n## Key points\n\n- One is one.\n",
    f"labs/chapters/{NAME}/en.toml": """[count]
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
""",
    "labs/": '''"""Chapter 99: counting."""

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
    "tests/experiments/": "def test_one_is_one() -> None:\n    assert True\n",
    "tests/integration/": "def test_the_default_is_one() -> None:\n    assert True\n",
}


@pytest.fixture(scope="module")
def files() -> dict[str, str]:
    """The files of a chapter, by path; the notebook is made."""
    words = (PROJECT / "CONTRIBUTING.md").read_text("utf-8").partition("## Add a chapter\n")[2]
    paths = re.findall(r"^\| `(.+?)` \|", words.partition("\n1. ")[0], re.MULTILINE)
    named = [path.replace("NN", NUMBER).replace("name", NAME) for path in paths]
    return {path: next(t for p, t in FILES.items() if path.startswith(p)) for path in named[:-1]}


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
    (text,) = (Text(folder / path) for path in files if path.startswith("course/"))
    nbformat.write(text.book(), text.saved)
    write_table(folder)
    return folder


def said(copy: Path, *module: str) -> str:
    """What `python -m MODULE …` says in the copy."""
    done = subprocess.run(
        [sys.executable, "-B", "-m", *module], cwd=copy, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
    return done.stdout


def test_the_command_lists_its_experiment_last(copy: Path) -> None:
    listed = [row["name"] for row in json.loads(said(copy, "labs", "experiments", "--json"))]
    assert listed[-1] == "throwaway.count"
    assert len(listed) > 1


def test_the_tests_of_claims_experiments_panels_and_notebooks_collect_it(copy: Path) -> None:
    places = ["tests/integration", "tests/experiments", "tests/browser"]
    places += [f"tests/unit/test_{name}.py" for name in ("course", "notebooks")]
    collected = said(copy, "pytest", "-q", "--collect-only", "-p", "no:cacheprovider", *places)
    for test in (
        "tests/integration/test_claims_99.py::test_the_default_is_one",
        "tests/experiments/test_throwaway.py::test_one_is_one",
        "tests/browser/test_panels.py::test_panels_predict_run_tell_and_stop[99_throwaway]",
        "tests/unit/test_notebooks.py::test_static_readers_see_every_widget[99_throwaway]",
        "tests/unit/test_course.py::test_every_language_has_the_same_code[99_throwaway-en]",
    ):
        assert f"\n{test}\n" in f"\n{collected}"


def test_its_cells_are_run_with_all_others(copy: Path) -> None:
    collected = said(copy, "pytest", "-q", "--collect-only", *NBVAL, "notebooks")
    assert len(re.findall(r"^notebooks/99_throwaway\.ipynb::", collected, re.MULTILINE)) == 4


def test_the_readmes_table_has_it(copy: Path) -> None:
    before, after = ((p / "README.md").read_text("utf-8").splitlines() for p in (PROJECT, copy))
    row = "| [99 Throwaway](notebooks/99_throwaway.ipynb) | 5 | send a record, and count | – |"
    assert [line for line in after if line not in before] == [row]
    assert [line for line in after if line != row] == before


def test_whatever_looks_at_all_chapters_is_content_with_it(copy: Path) -> None:
    units = ("course", "project", "judging", "set_here", "notebooks", "words")
    looking = [f"tests/unit/test_{name}.py" for name in units] + ["tests/browser/test_panels.py"]
    chosen = "not run_from_top_to_bottom and not tell_and_stop and not compared"
    assert "passed" in said(copy, "pytest", "-q", "-p", "no:cacheprovider", "-k", chosen, *looking)


def test_no_other_file_was_edited(copy: Path, files: dict[str, str]) -> None:
    ours = {
        path.relative_to(copy)
        for path in _files(copy)
        if not (PROJECT / path.relative_to(copy)).exists()
        or path.read_bytes() != (PROJECT / path.relative_to(copy)).read_bytes()
    }
    made = {Path("notebooks", f"{NUMBER}_{NAME}.ipynb"), Path("README.md")}
    assert ours == {Path(path) for path in files} | made


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())
