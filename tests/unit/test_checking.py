"""What `labs check` and `labs new` refuse before anything starts, each in a sentence."""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

import pytest

from labs.app import exercises
from labs.app.exercises import check, new
from labs.base.errors import BadInput, LabsError
from labs.base.progress import silent
from labs.chapters import all_exercises, find_exercise
from labs.exercise.alone import alone
from labs.exercise.command import words_of
from labs.exercise.exercise import PROGRAM, Exercise
from labs.exercise.judge import judge
from labs.exercise.verdict import CANT_TELL, EXIT_CODES, PASS
from labs.kafka.local import LocalCluster
from labs.supervise import home
from labs.supervise.home import work_dir


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LABS_WORK", str(tmp_path / "work"))
    monkeypatch.setattr(exercises, "chosen", never)
    return tmp_path / "work"


def never(*_: object) -> NoReturn:
    raise AssertionError("a cluster is started for nothing")


@pytest.mark.parametrize(
    ("id", "program", "answer", "told"),
    [
        ("99.9", None, None, "there is no exercise"),
        ("x", None, None, "there is no exercise"),
        ("05.1", None, "7", "05.1 asks for no answer"),
        ("05.1", None, None, "there is no program .*05_1/program.py yet"),
        ("05.1", "'half", None, "'half is no command"),
        ("05.1", "", None, "no program is named"),
        ("05.1", "no-such-program", None, "there is no program 'no-such-program'"),
        ("05.1", "/no/such.py", None, "there is no program /no/such.py"),
        ("05.1", "/tmp", None, "there is no program '/tmp'"),
        ("01.3", "mine.py", None, "01.3 is not about a program"),
        ("01.3", None, None, "01.3 wants an answer"),
        ("01.3", None, "  ", "01.3 wants an answer"),
        ("01.3", None, "UA1", "01.3 has not been prepared yet"),
        ("03.2", None, "UA1", "03.2 asks for no answer"),
        ("03.2", None, None, "03.2 has not been prepared yet"),
    ],
)
def test_bad_input(id: str, program: str | None, answer: str | None, told: str) -> None:
    with pytest.raises(BadInput, match=told) as raised:
        check(id, program, answer, as_json=True, seed=None)
    assert raised.value.exit_code == 2


def test_a_file_s_name_is_one_word(tmp_path: Path) -> None:
    file = tmp_path / "카프카 it's mine.py"
    file.touch()
    assert words_of(str(file)) == [str(file)]
    assert words_of("java -jar 'my own.jar'") == ["java", "-jar", "my own.jar"]


def test_a_language_without_a_starter(place: Path) -> None:
    programs = [exercise for exercise in all_exercises() if exercise.kind == PROGRAM]
    without = next(exercise for exercise in programs if not exercise.file("starter", "java"))
    with pytest.raises(BadInput, match="no starter in java"):
        new(without.id, "java")
    assert not place.exists()


def test_a_language_where_there_is_no_program() -> None:
    with pytest.raises(BadInput, match=r"03\.2 is not about a program"):
        new("03.2", "java")


def test_json_says_so_where_nothing_could_be_judged(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuses(*_: object) -> NoReturn:
        raise LabsError("there is no cluster", hint="start one")

    monkeypatch.setattr(exercises, "chosen", refuses)
    with pytest.raises(LabsError) as raised:
        check("05.1", sys.executable, None, as_json=True, seed=None)
    told = json.loads(capsys.readouterr().out)
    assert (told["verdict"], told["tries"], told["evidence"]) == (CANT_TELL, 0, [])
    assert "there is no cluster" in told["why"]
    assert raised.value.exit_code == EXIT_CODES[CANT_TELL]


def test_java_without_a_compiler_is_told_at_once(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("JAVA_HOME", "LABS_JAVA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", "/nowhere")
    new("05.1", "java")
    assert "There is no Java compiler (JDK 17 or newer) here" in capsys.readouterr().out


@pytest.mark.parametrize("where", ["in its folder", "in its place"])
def test_work_that_can_not_be_written(place: Path, where: str) -> None:
    """It is no fault of the learner's, so it is not what "not yet" ends with."""
    if where == "in its folder":
        place.mkdir()
        (place / "05_1").touch()
    else:
        place.touch()
    with pytest.raises(LabsError, match="set LABS_WORK to a folder that is") as raised:
        check("05.1", None, None, as_json=False, seed=None)
    assert raised.value.exit_code == EXIT_CODES[CANT_TELL]
    with pytest.raises(LabsError, match="set LABS_WORK to a folder that is"):
        new("05.1", "python")


def test_no_cluster_to_judge_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def start() -> NoReturn:
        raise LabsError("nobody answers", hint="look there")

    monkeypatch.setattr(exercises, "chosen", lambda *_: SimpleNamespace(start=start))
    with pytest.raises(LabsError, match="nobody answers") as raised:
        check("05.1", sys.executable, None, as_json=False, seed=None)
    assert raised.value.exit_code == EXIT_CODES[CANT_TELL]


def test_a_verdict_is_told_though_it_can_not_be_noted(place: Path) -> None:
    place.touch()  # a file where the folder should be; a full disk says the same in other words
    heard: list[str] = []
    words = find_exercise("05.1").words
    exercise = Exercise("99.1", PROGRAM, words, lambda _: None, minutes=1)
    nowhere: Any = SimpleNamespace(can_break=False)
    verdict = judge(
        exercise, nowhere, command=[sys.executable], tell=lambda text, _: heard.append(text)
    )
    assert (verdict.verdict, verdict.tries) == (PASS, 1)
    assert sum("LABS_WORK" in text for text in heard) == 2, "the try, and the progress"


def test_a_learner_of_somebody_elses_project_has_a_folder_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LABS_WORK")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(home, "PROJECT", tmp_path / "installed without its project")
    assert work_dir() == tmp_path.resolve() / "kafka-labs-work"


def test_jupyterlab_is_told_an_absolute_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A kernel runs in the notebook's folder, where `./mine` would be another one."""
    from labs.app.jupyter import environment

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LABS_WORK", "mine")
    told = environment(home.Home(tmp_path / "home"))
    assert told["LABS_WORK"] == str(tmp_path.resolve() / "mine")


def test_one_judging_waits_for_the_end_of_another(tmp_path: Path) -> None:
    cluster = LocalCluster(home.Home(tmp_path / "home"))
    cluster.home.path.mkdir()
    heard, entered = threading.Event(), threading.Event()

    def second() -> None:
        with alone(cluster, lambda *_: heard.set()):
            entered.set()

    thread = threading.Thread(target=second)
    with alone(cluster, silent):
        thread.start()
        assert heard.wait(60)
        assert not entered.is_set()
    thread.join(60)
    assert entered.is_set()
