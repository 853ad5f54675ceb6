"""`make update` on real git repositories: the new comes, and nothing of a learner's goes."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from labs.app.update import update
from labs.base.errors import LabsError
from labs.supervise.home import PROJECT

BOOK = "notebooks/03_acks.ipynb"
OTHER = "notebooks/04_replication.ipynb"
TODAY = date(2026, 11, 26)
OWN = f"notebooks/03_acks.mine-{TODAY}.ipynb"
WHO = ("-c", "user.name=x", "-c", "user.email=x@x", "-c", "commit.gpgsign=false")

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


@pytest.fixture(autouse=True)
def _no_midnight(monkeypatch: pytest.MonkeyPatch) -> None:
    """The day must not change between the copy and the look at it."""
    monkeypatch.setattr("labs.app.update.date", SimpleNamespace(today=lambda: TODAY))


def git(folder: Path, *command: str) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    done = subprocess.run(
        ["git", *WHO, *command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def notebook(code: str, output: str = "", text: str = "read") -> str:
    shown = [{"output_type": "stream", "name": "stdout", "text": output}] if output else []
    cells: list[dict[str, Any]] = [
        {"cell_type": "markdown", "id": "a", "metadata": {}, "source": text},
        {"cell_type": "code", "id": "b", "metadata": {}, "source": code, "outputs": shown,
         "execution_count": 1},
    ]  # fmt: skip
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


class Course:
    """The course's own repository, and a learner's clone of it."""

    def __init__(self, folder: Path) -> None:
        self.source, self.clone = folder / "source", folder / "내 clone"
        (self.source / "notebooks").mkdir(parents=True)
        git(self.source, "init", "-q", "-b", "main")
        git(self.source, "config", "receive.denyCurrentBranch", "ignore")
        for name in (BOOK, OTHER):
            self.publish({name: notebook("1 + 1", "2")})
        shutil.copy(PROJECT / ".gitignore", self.source)
        self.publish({"README.md": "# A course\n"})
        git(self.source.parent, "clone", "-q", str(self.source), str(self.clone))

    def publish(self, files: dict[str, str | None]) -> None:
        """The course's authors write these files (None: they remove it)."""
        for name, text in files.items():
            if text is None:
                (self.source / name).unlink()
            else:
                (self.source / name).write_text(text, "utf-8")
        git(self.source, "add", "-A")
        git(self.source, "commit", "-q", "--no-verify", "-m", "x")

    def write(self, name: str, text: str) -> None:
        """The learner writes a file."""
        (self.clone / name).parent.mkdir(parents=True, exist_ok=True)
        (self.clone / name).write_text(text, "utf-8")

    def read(self, name: str) -> str:
        return (self.clone / name).read_text("utf-8")

    def files(self) -> dict[str, bytes]:
        """All that is in the clone, but for git's own."""
        return {
            path.relative_to(self.clone).as_posix(): path.read_bytes()
            for path in sorted(self.clone.rglob("*"))
            if path.is_file() and ".git" not in path.parts
        }

    def is_newest(self) -> bool:
        """Whether the clone stands where the course does, with nothing in conflict."""
        head = git(self.clone, "rev-parse", "HEAD") == git(self.source, "rev-parse", "HEAD")
        return head and not git(self.clone, "ls-files", "--unmerged")


@pytest.fixture
def course(tmp_path: Path) -> Course:
    return Course(tmp_path)


NEW = notebook("1 + 2", "3", text="read this instead")


def test_an_untouched_clone_becomes_the_newest(course: Course) -> None:
    course.publish({BOOK: NEW})
    assert update(course.clone) == []
    assert course.is_newest()
    assert course.read(BOOK) == NEW


def test_nothing_new_changes_nothing(course: Course, capsys: pytest.CaptureFixture[str]) -> None:
    course.write(BOOK, notebook("mine"))
    before = course.files()
    assert update(course.clone) == []
    assert course.files() == before
    assert "Nothing is new" in capsys.readouterr().out


@pytest.mark.parametrize(
    "mine", [notebook("1 + 1", "2 (as I saw it)"), notebook("my own code", "2")],
    ids=["outputs", "code"],
)  # fmt: skip
def test_where_both_sides_changed_there_are_two_notebooks(
    course: Course, mine: str, capsys: pytest.CaptureFixture[str]
) -> None:
    course.write(BOOK, mine)
    course.publish({BOOK: NEW})
    assert update(course.clone) == [course.clone / OWN]
    assert course.is_newest()
    assert (course.read(BOOK), course.read(OWN)) == (NEW, mine)
    assert git(course.clone, "status", "--porcelain") == "", "git has nothing to say of the copy"
    assert f"You had changed {BOOK}: yours is now {OWN}." in capsys.readouterr().out


def test_a_notebook_that_only_the_learner_changed_stays_as_it_is(course: Course) -> None:
    mine = notebook("my own code", "42")
    course.write(BOOK, mine)
    course.publish({OTHER: NEW})
    assert update(course.clone) == []
    assert course.is_newest()
    assert (course.read(BOOK), course.read(OTHER)) == (mine, NEW)


def test_each_week_has_a_copy_of_its_own(course: Course) -> None:
    for week in ("first", "second"):
        course.write(BOOK, notebook(f"my {week} week"))
        course.publish({BOOK: notebook(f"their {week} week")})
        update(course.clone)
    second = OWN.replace(".ipynb", "-2.ipynb")
    assert course.read(OWN) == notebook("my first week")
    assert course.read(second) == notebook("my second week")
    assert course.read(BOOK) == notebook("their second week")


def test_a_new_chapter_comes_and_a_file_of_its_name_is_kept(course: Course) -> None:
    new, taken = "notebooks/06_new.ipynb", "notebooks/07_new.ipynb"
    course.write(taken, notebook("mine"))
    course.publish({new: NEW, taken: NEW})
    (own,) = update(course.clone)
    assert course.is_newest()
    assert (course.read(new), course.read(taken)) == (NEW, NEW)
    assert own.read_text("utf-8") == notebook("mine")


def test_a_notebook_that_the_course_gives_up_stays_as_the_learners(course: Course) -> None:
    course.write(BOOK, notebook("mine"))
    course.publish({BOOK: None})
    update(course.clone)
    assert course.is_newest()
    assert not (course.clone / BOOK).exists()
    assert course.read(OWN) == notebook("mine")


def test_what_was_deleted_comes_back_new_and_what_was_staged_is_kept(course: Course) -> None:
    (course.clone / OTHER).unlink()
    course.write(BOOK, notebook("staged"))
    git(course.clone, "add", BOOK)
    course.publish({BOOK: NEW, OTHER: NEW})
    update(course.clone)
    assert course.is_newest()
    assert (course.read(BOOK), course.read(OTHER)) == (NEW, NEW)
    assert course.read(OWN) == notebook("staged")


def test_programs_in_work_are_left_alone(course: Course) -> None:
    course.write("work/03_1/program.py", "print('mine')\n")
    assert git(course.clone, "status", "--porcelain") == "", "git ignores it"
    course.publish({BOOK: NEW})
    update(course.clone)
    assert course.read("work/03_1/program.py") == "print('mine')\n"


def test_settings_of_ones_own_git_bring_no_conflict(course: Course) -> None:
    for setting in ("pull.rebase", "merge.autostash", "rebase.autostash", "diff.noprefix"):
        git(course.clone, "config", setting, "true")
    git(course.clone, "config", "merge.ff", "false")
    course.write(BOOK, notebook("mine"))
    course.write(OTHER, notebook("mine, too"))
    course.publish({BOOK: NEW})
    update(course.clone)
    assert course.is_newest()
    assert (course.read(OWN), course.read(OTHER)) == (notebook("mine"), notebook("mine, too"))


# -- a sentence each -------------------------------------------------------------------------------


def refusal(course: Course) -> str:
    """What is said; nothing has changed by then."""
    before, head = course.files(), git(course.clone, "rev-parse", "HEAD")
    with pytest.raises(LabsError) as refused:
        update(course.clone)
    assert course.files() == before
    assert git(course.clone, "rev-parse", "HEAD") == head
    said = str(refused.value)
    assert said.endswith(".") and "\n" not in said and "{" not in said.replace("@{upstream}", "")
    return said


def test_without_a_network_nothing_changes(course: Course) -> None:
    course.write(BOOK, notebook("mine"))
    git(course.clone, "remote", "set-url", "origin", "https://127.0.0.1:1/course.git")
    assert re.search(
        r"^https://127\.0\.0\.1:1/course\.git can't be reached \(.+\)", refusal(course)
    )


def test_a_clone_without_a_remote_is_told_so(course: Course) -> None:
    git(course.clone, "remote", "remove", "origin")
    assert "does not know where it came from" in refusal(course)


def test_a_detached_head_is_told_the_way_back(course: Course) -> None:
    course.publish({BOOK: NEW})
    git(course.clone, "checkout", "-q", "--detach")
    said = refusal(course)
    assert "follows no branch" in said
    command = re.search(r"git (switch \S+)\.", said)
    assert command is not None
    git(course.clone, *command[1].split())
    update(course.clone)
    assert course.is_newest()


def test_a_branch_of_ones_own_is_told_the_way_back(course: Course) -> None:
    git(course.clone, "switch", "-q", "-c", "mine")
    assert "your branch mine follows no branch of the course" in refusal(course)


def test_commits_of_ones_own_are_told_the_way_out(course: Course) -> None:
    course.write(BOOK, notebook("mine"))
    git(course.clone, "commit", "-q", "-a", "-m", "my work")
    assert update(course.clone) == [], "nothing is new: there is nothing to say"
    course.publish({BOOK: NEW})
    course.write(OTHER, notebook("mine, too"))
    said = refusal(course)
    assert "has a commit that" in said
    commands = re.findall(r"git (branch my-work|reset --keep) ?('@\{upstream\}')?", said)
    for command, more in commands:
        git(course.clone, *command.split(), *([more.strip("'")] if more else []))
    assert update(course.clone) == []
    assert course.is_newest()
    assert course.read(OTHER) == notebook("mine, too")
    assert git(course.clone, "show", f"my-work:{BOOK}") == notebook("mine")


def test_a_merge_under_way_is_told_the_way_out(course: Course) -> None:
    course.write(BOOK, notebook("mine"))
    git(course.clone, "commit", "-q", "-a", "-m", "my work")
    course.publish({BOOK: NEW})
    with pytest.raises(subprocess.CalledProcessError):
        git(course.clone, "pull", "-q", "--no-rebase")
    assert "in conflict" in refusal(course)


def test_what_is_no_clone_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(LabsError, match=r"is no clone of the course.*clone the course anew"):
        update(tmp_path)
    inner = Course(tmp_path / "outer").clone / "notebooks"
    with pytest.raises(LabsError, match="is no clone of the course"):
        update(inner)


def test_without_git_it_says_what_to_install(
    course: Course, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LabsError, match="git is not installed; install it"):
        update(course.clone)


def test_a_full_disk_leaves_no_half_copy(course: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    course.write(BOOK, notebook("mine"))
    course.publish({BOOK: NEW})

    def full(source: Path, copy: Path) -> None:
        copy.write_text("half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copy2", full)
    assert "can't be copied (No space left on device)" in refusal(course)


def test_where_git_refuses_all_is_put_back(course: Course) -> None:
    course.write(BOOK, notebook("mine"))
    course.publish({BOOK: NEW, "new": "a file"})
    course.write("new/mine", "a folder where the course has a file")
    assert "git can't take the update" in refusal(course)


def test_the_command_needs_nothing_installed_and_says_one_sentence(course: Course) -> None:
    shutil.copytree(
        PROJECT / "labs", course.clone / "labs", ignore=shutil.ignore_patterns("__pycache__")
    )
    shutil.copy(PROJECT / "Makefile", course.clone)
    course.publish({BOOK: NEW})
    command = ["make", "-s", "update", f"PYTHON={sys.executable}"]
    done = subprocess.run(command, cwd=course.clone, capture_output=True, text=True, check=True)
    assert "`make study` opens the course." in done.stdout
    assert course.is_newest()
    git(course.clone, "remote", "remove", "origin")
    done = subprocess.run(command, cwd=course.clone, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert done.stderr.startswith("labs: this clone does not know"), done.stderr
    assert "Traceback" not in done.stderr
