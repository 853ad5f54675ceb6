"""Each exercise from both sides: its solution passes, its starter does not, and each wrong answer
fails for the reason that its name says.

The wrong answers lie beside this file, in a folder of the chapter's and the exercise's names:
`REASON.py`, or `REASON__more.py` for a second one. `passes__more.py` is a further solution. And an
empty file `REASON.starter` says why the starter fails, in Java as in Python; where there is none,
why nothing is enough.

To judge each program in Java takes minutes: `make test` judges those of one exercise a chapter, and
compiles all of them. It runs beside others, so what was not judged as expected gets more time then.
`make test-exercises`, and pytest where it is called alone, judge all, in a learner's time.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from labs.base.words import Words
from labs.chapters import all_exercises, numbers
from labs.exercise import exercise as exercise_module
from labs.exercise.command import javac
from labs.exercise.exercise import LANGUAGES, PROGRAM, STATE, Exercise
from labs.exercise.judge import judge, prepare
from labs.exercise.judging import BUDGET_S
from labs.exercise.verdict import NOT_YET, PASS, Verdict
from labs.kafka.installation import ensure_installation, jvm_environment
from labs.kafka.local import LocalCluster
from labs.supervise.home import PROJECT
from labs.supervise.java import OLDEST
from tests.run import FAULTS_VARIABLE
from tests.slate import begin_anew, clean_beside_servers, stop_servers

HERE = Path(__file__).parent
EVERY = Words(exercise_module.__file__)  # what every exercise may say
SEED = int(os.environ.get(FAULTS_VARIABLE, "17"))

#: Whether this is `make test`, whose time is short.
FEW = "LABS_TEST_HOMES" in os.environ and FAULTS_VARIABLE not in os.environ

#: Beside others a right program may need far more time than a learner's; a wrong one may wait until
#: it is up, and need not get so much.
ENOUGH_S, WRONG_S = 150.0, 100.0
#: How long judging may take, s; what is no judging comes on top.
LIMIT_S = 40.0
ANSWER_TIMEOUT_S = 120


def programs(exercise: Exercise) -> Iterator[tuple[Path | None, str]]:
    """Each program to be judged, with the reason that must be found: "" for a pass."""
    begun = why_it_begins(exercise)
    for language in LANGUAGES:
        if language == "java" and FEW and exercise not in FIRST_IN_JAVA:
            continue
        if solution := exercise.file("solution", language):
            yield solution, ""
        if starter := exercise.file("starter", language):
            yield starter, begun
    if not exercise.file("starter", "python"):
        yield None, begun  # nothing is done, nothing is answered
    for file in sorted(wrong_answers(exercise)):
        reason = file.stem.partition("__")[0]
        yield file, "" if reason.lower() == "passes" else reason


def folder_of(exercise: Exercise) -> Path:
    """Where its wrong answers lie."""
    chapter, _, name = exercise.words.folder.parts[-3:]
    return HERE / chapter / name


def wrong_answers(exercise: Exercise) -> list[Path]:
    return [file for file in folder_of(exercise).iterdir() if file.suffix in LANGUAGES.values()]


def why_it_begins(exercise: Exercise) -> str:
    """For which reason the starter fails; where there is none, whoever has done nothing."""
    (file,) = folder_of(exercise).glob("*.starter")
    return file.stem


def first_in_java() -> list[Exercise]:
    """The first exercise of each chapter that has a starter in Java."""
    found: dict[str, Exercise] = {}
    for exercise in all_exercises():
        if exercise.file("starter", "java"):
            found.setdefault(exercise.chapter, exercise)
    return list(found.values())


FIRST_IN_JAVA = first_in_java()
CASES = [
    pytest.param(exercise, file, reason, id=f"{exercise.id}-{file.name if file else 'nothing'}")
    for exercise in all_exercises()
    for file, reason in programs(exercise)
]


@pytest.fixture(autouse=True)
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABS_WORK", str(tmp_path))


@pytest.fixture(scope="module")
def judged() -> Iterator[list[Exercise]]:
    """The exercises of which cases have run here; no server is left of the last one."""
    exercises: list[Exercise] = []
    yield exercises
    stop_servers()


@pytest.fixture
def clean_cluster(
    request: pytest.FixtureRequest,
    own_cluster: LocalCluster,
    exercise: Exercise,
    judged: list[Exercise],
) -> LocalCluster:
    """It is clean. Servers that a case of an exercise has started serve its other cases."""
    if exercise in judged[-1:]:
        clean_beside_servers(own_cluster, request.node)
    else:
        begin_anew(own_cluster)
        judged.append(exercise)
    return own_cluster


def compiler() -> str:
    """The Java compiler; where there is none, the test is skipped, but never in CI."""
    found = javac()
    if found is None:
        assert os.environ.get("CI") != "true", "there is no JDK, and .ci/run installs one"
        pytest.skip("there is no JDK")
    return found


def test_every_java_program_compiles(tmp_path: Path) -> None:
    """All in one go; so each class gets a name of its own, as a learner's has another one, too."""
    sources = []
    for file in sorted(PROJECT.glob("labs/chapters/*/exercises/*/*.java")):
        name = "_".join([*file.parent.relative_to(PROJECT).parts[2:], file.stem])
        text = file.read_text("utf-8").replace(f"class {file.stem}", f"class {name}")
        sources.append(tmp_path / f"{name}.java")
        sources[-1].write_text(text, "utf-8")
    assert sources
    flags = ["--release", str(OLDEST), "-encoding", "UTF-8", "-d", str(tmp_path / "classes")]
    done = subprocess.run(
        [compiler(), *flags, "-cp", ensure_installation().class_path, *sources],
        env=jvm_environment(),
        capture_output=True,
        text=True,
        timeout=ANSWER_TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(("exercise", "file", "reason"), CASES)
def test_it_is_judged_rightly(
    clean_cluster: LocalCluster, exercise: Exercise, file: Path | None, reason: str
) -> None:
    if file is not None and file.suffix == ".java":
        compiler()
    due = (NOT_YET if reason else PASS, reason)
    verdict = tried(exercise, clean_cluster, file)
    if FEW and (verdict.verdict, verdict.reason) != due:
        print(f"once more, with more time: {verdict}")
        verdict = tried(exercise, clean_cluster, file, WRONG_S if reason else ENOUGH_S)
    print(verdict)
    assert (verdict.verdict, verdict.reason) == due, verdict
    assert verdict.hint or not reason, "the learner is left alone"
    assert FEW or verdict.duration_s - verdict.apart_s <= LIMIT_S, verdict


def tried(
    exercise: Exercise, cluster: LocalCluster, file: Path | None, budget_s: float = BUDGET_S
) -> Verdict:
    if exercise.kind == PROGRAM:
        command = [str(file)]
        return judge(exercise, cluster, command=command, seed=SEED, budget_s=budget_s)
    told = prepare(exercise, cluster, seed=SEED)
    answer = said(file, cluster, told) if file else ""
    return judge(exercise, cluster, answer=answer, seed=SEED, budget_s=budget_s)


def said(file: Path, cluster: LocalCluster, told: dict[str, str]) -> str:
    """What a program prints, which finds the answer or brings about the state."""
    told = {**told, "KAFKA_BOOTSTRAP_SERVERS": ",".join(cluster.bootstrap)}
    done = subprocess.run(
        [sys.executable, str(file)],
        env={**os.environ, **told},
        stdout=subprocess.PIPE,
        text=True,
        timeout=ANSWER_TIMEOUT_S,
        check=True,
    )
    return done.stdout.strip()


@pytest.mark.parametrize("exercise", all_exercises(), ids=lambda exercise: exercise.id)
def test_it_has_what_an_exercise_needs(exercise: Exercise) -> None:
    assert exercise.file("solution", "python")
    reasons = {file.stem.partition("__")[0] for file in wrong_answers(exercise)} - {"passes"}
    assert len(reasons) >= 2, "at least two plausible wrong answers"
    assert exercise.title and exercise.task and exercise.words("passed")
    assert exercise.variables
    assert exercise.kind != PROGRAM or exercise.file("starter", "python")
    hinted = dict(hints_of(exercise.words))
    assert reasons - hinted.keys() <= dict(hints_of(EVERY)).keys(), "a wrong answer without a hint"
    for reason, hints in hinted.items():
        assert len(set(hints)) == len(hints) >= 2, f"{reason} needs more hints"


def test_what_any_program_may_do_wrong_has_hints_that_get_more_specific() -> None:
    for reason, hints in hints_of(EVERY):
        assert len(set(hints)) == len(hints) >= 2, f"{reason} needs more hints"


def hints_of(words: Words) -> Iterator[tuple[str, list[str]]]:
    """Each reason that a table has hints for, and these, as they are said: none needs a value."""
    for reason in dict.fromkeys(id.partition(".")[0] for id in words.under("hints")):
        yield reason, [hint.format() for hint in words.under(f"hints.{reason}").values()]


@pytest.mark.parametrize("chapter", sorted(numbers().values()))
def test_a_chapter_has_three_of_them_and_two_that_are_no_states(chapter: str) -> None:
    kinds = [exercise.kind for exercise in all_exercises() if exercise.chapter == chapter]
    assert len(kinds) >= 3
    assert len(kinds) - kinds.count(STATE) >= 2
