"""What a learner answers is kept: through a crash, a second kernel, a full disk, a newer file."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from labs.base.errors import BadInput, LabsError
from labs.learner import notes as store
from labs.learner.notes import answered, compared, export_to, import_from, judged, notes
from labs.learner.tally import by_chapter
from labs.supervise.home import PROJECT
from tests.said import like

CODE = "from labs.learner.notes import answered\n"


@pytest.fixture(autouse=True)
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The progress of this test's learner; it is not there yet."""
    monkeypatch.setenv("LABS_WORK", str(tmp_path / "work"))
    return tmp_path / "work" / "progress.jsonl"


def names() -> list[str]:
    return [note.name for note in notes()]


def python(code: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", CODE + code], stdout=subprocess.PIPE, text=True, cwd=PROJECT
    )


def test_what_is_noted_is_read_again(file: Path) -> None:
    assert notes() == []
    assert not file.exists(), "reading makes nothing"
    compared("acks.leader_crash", "none", "some", False, settings={"acks": "1"})
    answered("acks.leader_answers", "whole_isr", True)
    judged("05.3", "not yet")
    told = [(note.kind, note.name, note.told.get("right")) for note in notes()]
    assert told == [
        ("compared", "acks.leader_crash", False),
        ("answered", "acks.leader_answers", True),
        ("judged", "05.3", None),
    ]
    assert notes()[0].told["settings"] == {"acks": "1"}
    assert len({note.id for note in notes()}) == 3


def test_a_line_cut_short_anywhere_costs_no_other(file: Path) -> None:
    answered("acks.one", "한국어", True)
    whole = file.read_bytes()
    answered("acks.two", "한국어", True)
    both = file.read_bytes()
    for size in range(len(whole), len(both)):
        file.write_bytes(both[:size])
        answered("acks.three", "b", True)
        complete = ["acks.two"] if size == len(both) - 1 else []  # all but its end of line
        assert names() == ["acks.one", *complete, "acks.three"], size
        assert file.read_bytes().startswith(both[:size]), "nothing is taken away"


def test_a_kernel_killed_while_it_writes_leaves_a_file_that_works(file: Path) -> None:
    process = python("print('begun', flush=True)\nwhile True: answered('acks.loop', 'a', True)")
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    deadline = time.monotonic() + 60
    while not file.exists() or len(notes()) < 5:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    before = len(notes())
    answered("acks.after", "a", True)
    assert len(notes()) == before + 1
    assert names()[-1] == "acks.after"


def test_two_kernels_at_once_lose_nothing() -> None:
    kernels = [
        python(f"for n in range(40): answered(f'acks.k{k}_{{n}}', 'a', True)") for k in range(3)
    ]
    assert [kernel.wait(120) for kernel in kernels] == [0, 0, 0]
    assert sorted(names()) == sorted(f"acks.k{k}_{n}" for k in range(3) for n in range(40))


@pytest.mark.parametrize("line", ['{"v": 2, "id": "x", "kind": "a", "name": "b"}', '{"v": 3}'])
def test_a_newer_file_is_neither_read_nor_written(file: Path, tmp_path: Path, line: str) -> None:
    answered("acks.one", "a", True)
    with file.open("a") as newer:
        newer.write(f"{line}\n")
    before = file.read_bytes()
    for use in (
        notes,
        lambda: answered("acks.two", "a", True),
        lambda: export_to(tmp_path / "out"),
        lambda: import_from(file),
    ):
        with pytest.raises(LabsError, match=like("learner", "notes.newer")):
            use()
    assert file.read_bytes() == before
    assert not (tmp_path / "out").exists()


def test_a_full_disk_costs_only_the_note_that_found_no_room(file: Path) -> None:
    """The system refuses to let the file grow in the middle of a write, as a full disk does."""
    answered("acks.one", "a", True)
    before = file.read_bytes()
    code = f"""
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, ({len(before) + 20},) * 2)
try:
    answered("acks.two", "a", True)
except Exception as error:
    print(type(error).__name__, error)
"""
    said, _ = python(code).communicate()
    assert said.startswith("LabsError") and "LABS_WORK" in said
    assert file.read_bytes() == before
    answered("acks.three", "a", True)
    assert names() == ["acks.one", "acks.three"]


def test_a_folder_that_can_not_be_written_is_a_sentence(file: Path) -> None:
    file.parent.write_text("a file where the folder should be")
    with pytest.raises(LabsError, match="LABS_WORK"):
        answered("acks.one", "a", True)


def test_whoever_holds_the_file_is_not_waited_for_for_ever(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered("acks.one", "a", True)
    monkeypatch.setattr(store, "PATIENCE_S", 0.1)
    held = FileLock(file.with_name(".progress.jsonl.lock"))
    with held, pytest.raises(LabsError, match=like("learner", "notes.held")):
        answered("acks.two", "a", True)


# -- one file out, and in --------------------------------------------------------------------------


@pytest.fixture
def other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """What another machine has exported: two notes, of which one is known here."""
    answered("acks.both", "a", True)
    export_to(tmp_path / "first.jsonl")
    here = tmp_path / "work"
    monkeypatch.setenv("LABS_WORK", str(tmp_path / "elsewhere"))
    import_from(tmp_path / "first.jsonl")
    answered("acks.there", "a", True)
    assert export_to(tmp_path / "out.jsonl") == 2
    monkeypatch.setenv("LABS_WORK", str(here))
    yield tmp_path / "out.jsonl"


def test_what_comes_in_is_merged_and_loses_nothing(other: Path) -> None:
    answered("acks.here", "a", False)
    assert import_from(other) == 1
    assert names() == ["acks.both", "acks.here", "acks.there"]
    assert import_from(other) == 0, "again, it changes nothing"
    assert len(notes()) == 3


def test_nothing_is_exported_over_a_file_that_is_there(other: Path) -> None:
    before = other.read_bytes()
    with pytest.raises(BadInput, match=like("learner", "notes.taken")):
        export_to(other)
    assert other.read_bytes() == before


def test_what_can_not_come_in_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=like("learner", "notes.no_file")):
        import_from(tmp_path / "nothing")
    wrong = tmp_path / "book.ipynb"
    wrong.write_text(json.dumps({"cells": []}))
    with pytest.raises(BadInput, match=like("learner", "notes.not_ours")):
        import_from(wrong)
    assert notes() == []
    with pytest.raises(LabsError, match=like("learner", "notes.unwritten")):
        export_to(tmp_path / "no folder" / "out.jsonl")


# -- what they come to -----------------------------------------------------------------------------


def tallies() -> dict[str, dict[str, int]]:
    found = by_chapter(notes(), lambda name: name.partition(".")[0])
    return {chapter: tally.as_dict() for chapter, tally in found.items()}


def figures(**named: Any) -> dict[str, int]:
    zero = dict.fromkeys(
        ("predicted", "contradicted", "quizzes", "right", "exercises", "passed"), 0
    )
    return {**zero, **named}


def test_the_first_answer_counts_and_other_settings_are_another_question() -> None:
    compared("acks.crash", "none", "some", False, settings={"acks": "1"})
    compared("acks.crash", "some", "some", True, settings={"acks": "1"})
    compared("acks.crash", "none", "none", True, settings={"acks": "all"})
    compared("overview.where", "evenly", "evenly", True)
    assert tallies() == {
        "acks": figures(predicted=2, contradicted=1),
        "overview": figures(predicted=1),
    }


def test_a_quiz_is_right_at_the_first_try_and_an_exercise_once_passed() -> None:
    answered("acks.quiz", "wrong", False)
    answered("acks.quiz", "right", True)
    for verdict in ("not yet", "pass", "can't tell"):
        judged("acks.1", verdict)
    judged("acks.2", "not yet")
    assert tallies() == {"acks": figures(quizzes=1, exercises=2, passed=1)}
