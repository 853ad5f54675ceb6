"""A learner's program may do what it likes: one sentence says so, and nothing is left behind."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from labs.base.clock import now
from labs.base.errors import BadInput
from labs.base.words import Words
from labs.chapters import all_exercises, find_exercise
from labs.exercise import busy, judging, places, work
from labs.exercise import program as module
from labs.exercise.command import command_of
from labs.exercise.exercise import PROGRAM, Exercise
from labs.exercise.judge import judge
from labs.exercise.judging import Judging
from labs.exercise.program import Line, Program, how_it_ended, is_number
from labs.exercise.verdict import CANT_TELL, NOT_YET, PASS, NotYet
from labs.learner.notes import notes
from labs.supervise.wards import carriers
from tests.helpers import wait_until

PATIENCE_S = 60.0


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LABS_WORK", str(tmp_path / "work"))
    return tmp_path


@pytest.fixture
def begun(tmp_path: Path) -> Iterator[Callable[..., Program]]:
    """Starts a Python program from its text; nothing of it may be left when the test is over."""
    programs: list[Program] = []

    def begin(text: str, **options: object) -> Program:
        file = tmp_path / "program.py"
        file.write_text(text)
        command = command_of([str(file)], tmp_path)
        made = Program(command, dict(os.environ), tmp_path, **options)  # type: ignore[arg-type]
        programs.append(made)
        made.start()
        return made

    yield begin
    for each in programs:
        each.close()
        assert left_of(each) == []


def left_of(program: Program) -> list[int]:
    """Whoever carries the program's mark still, itself included."""
    return [process.pid for process in carriers(program.mark)]


def why(raised: pytest.ExceptionInfo[NotYet]) -> str:
    """The sentence of a reason that any exercise may have."""
    found = raised.value
    return find_exercise("05.1").says("why", found.why, **found.values)


def test_one_that_hangs(begun: Callable[..., Program]) -> None:
    program = begun("import time\ntime.sleep(600)")
    with pytest.raises(NotYet, match="hangs") as raised:
        program.wait(lambda: program.lines, 0.3)
    assert "was waited for in vain" in why(raised)


def test_one_that_floods_its_output(
    begun: Callable[..., Program], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "OUTPUT_LIMIT", 1_000_000)
    for stream in ("stdout", "stderr"):
        program = begun(f"import sys\nwhile True: sys.{stream}.write('x' * 1000)")
        with pytest.raises(NotYet, match="floods") as raised:
            program.wait(lambda: False, PATIENCE_S)
        assert f"more than 1 MB to {stream}" in why(raised)
        assert not program.running


def test_one_that_writes_many_lines(
    begun: Callable[..., Program], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LINES_LIMIT", 1000)
    program = begun("while True: print()")
    with pytest.raises(NotYet, match="floods_lines") as raised:
        program.wait(lambda: False, PATIENCE_S)
    assert "more than 1000 lines" in why(raised)
    assert not program.running


@pytest.mark.parametrize(
    ("text", "is_one"), [("7", True), ("9" * 19, True), ("9" * 5000, False), ("²", False)]
)
def test_what_is_a_number(text: str, is_one: bool) -> None:
    assert is_number(text) is is_one
    assert not is_one or int(text)


def test_one_that_exits_at_once(begun: Callable[..., Program]) -> None:
    program = begun("raise SystemExit('no brokers here')")
    with pytest.raises(NotYet, match="ended") as raised:
        program.wait(lambda: False, PATIENCE_S)
    assert "exit code 1" in why(raised)
    assert raised.value.evidence == ("no brokers here",)


def test_one_that_fails_within_a_library(begun: Callable[..., Program]) -> None:
    """The end of the traceback is the library's: the learner's own line stands before it."""
    program = begun("import json\n\njson.loads('{')")
    with pytest.raises(NotYet, match="ended") as raised:
        program.wait(lambda: False, PATIENCE_S)
    own, *_, last = raised.value.evidence
    assert re.fullmatch(r"""File ".+\.py", line 3, in <module>: json\.loads\('\{'\)""", own)
    assert last.startswith("json.decoder.JSONDecodeError")


def test_one_that_writes_binary_rubbish(begun: Callable[..., Program]) -> None:
    text = "import os\nos.write(1, bytes(range(256)))\nos.write(2, b'\\x1b[2J\\x00no\\xff\\r\\n')"
    program = begun(text)
    assert program.wait_end(PATIENCE_S) == 0
    assert program.last_words() == [" [2J no\ufffd"]
    with pytest.raises(NotYet, match="unreadable_line"):
        places.written(program.lines)


def test_one_that_asks_a_terminal(begun: Callable[..., Program]) -> None:
    """It has none, and never ours."""
    program = begun("open('/dev/tty').read()")
    with pytest.raises(NotYet, match="ended"):
        program.wait(lambda: False, PATIENCE_S)


def test_how_one_ended_of_whose_signal_nobody_knows_the_name() -> None:
    assert how_it_ended(-signal.SIGKILL) == "SIGKILL"
    assert how_it_ended(-40) == "signal 40"


@pytest.mark.parametrize(
    ("mode", "text"),
    [
        (0o644, "#!/bin/sh\n"),
        (0o755, "\0"),
        (0o755, "#!/no"),
        (0o755, ""),
        (0o755, "print(1)\n"),
        (0o755, "\ufeff#!/bin/sh\n"),  # as Windows' editors begin a file, and end its lines
        (0o755, "#!/bin/sh\r\n"),
    ],
    ids=["mode", "binary", "interpreter", "empty", "no-shebang", "bom", "crlf"],
)
def test_one_that_can_not_be_executed(tmp_path: Path, mode: int, text: str) -> None:
    file = tmp_path / "it"
    file.write_bytes(text.encode())
    file.chmod(mode)
    with pytest.raises(NotYet, match="not_executable") as raised:
        Program(command_of([str(file)], tmp_path), {}, tmp_path).start()
    assert "The system can't run it (" in why(raised)


@pytest.mark.parametrize("words", [["/no/such/program"], ["no-such-program"], ["no.py"], []])
def test_one_that_is_not_there(tmp_path: Path, words: list[str]) -> None:
    with pytest.raises(BadInput, match="no program"):
        command_of(words, tmp_path)


def test_a_python_file_that_is_empty(begun: Callable[..., Program]) -> None:
    program = begun("")
    with pytest.raises(NotYet, match="ended") as raised:
        program.wait(lambda: False, PATIENCE_S)
    assert "ended by itself" in why(raised) and "exit code 0" in why(raised)


CHILD = (
    "import subprocess, sys\n"
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']"
)


@pytest.mark.parametrize("how", [")", ", start_new_session=True)"], ids=["in", "apart"])
def test_one_that_leaves_a_child(begun: Callable[..., Program], how: str) -> None:
    program = begun(CHILD + how)
    with pytest.raises(NotYet, match="children") as raised:
        program.wait_end(PATIENCE_S)
    assert "left a process behind" in why(raised)
    assert left_of(program) == []


@pytest.mark.parametrize("ends", ["wait_end", "kill"])
def test_one_that_leaves_a_child_without_its_mark_and_session(
    begun: Callable[..., Program], ends: str
) -> None:
    """As a daemon is started; it is seen while the program lives."""
    program = begun(
        f"{CHILD}, start_new_session=True, env={{}}).pid\n"
        f"import time\nprint(child, flush=True)\ntime.sleep({2 * module.FAMILY_S})"
    )
    program.wait(lambda: program.lines, PATIENCE_S)
    child = psutil.Process(int(program.lines[0].text))
    if ends == "kill":
        program.kill()
    else:
        with pytest.raises(NotYet, match="children"):
            program.wait_end(PATIENCE_S)
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE


def test_a_kill_meets_its_children_too(begun: Callable[..., Program]) -> None:
    program = begun(CHILD + ", start_new_session=True).wait()")
    wait_until(lambda: len(left_of(program)) == 2, "both run", PATIENCE_S)
    program.kill()
    assert left_of(program) == []


def test_one_that_writes_without_end(
    begun: Callable[..., Program], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FILES_LIMIT", 1_000_000)
    text = "with open('out', 'w') as out:\n    while True: out.write('x' * 1000)"
    program = begun(text, files=tmp_path)
    with pytest.raises(NotYet, match="writes_without_end") as raised:
        program.wait(lambda: False, PATIENCE_S)
    assert "into its files" in why(raised)
    assert not program.running


def test_one_that_does_not_heed_sigterm(
    begun: Callable[..., Program], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "STOP_S", 0.3)
    text = "import signal, time\nsignal.signal(15, signal.SIG_IGN)\nprint(1, flush=True)\n"
    text += "time.sleep(600)"
    program = begun(text)
    program.wait(lambda: program.lines, PATIENCE_S)
    with pytest.raises(NotYet, match="ignores_sigterm"):
        program.stop()
    assert not program.running


def test_one_that_hangs_when_the_time_for_judging_is_up(begun: Callable[..., Program]) -> None:
    """It hangs all the same: whether the machine is to blame is asked before the verdict."""
    program = begun("import time\ntime.sleep(600)", deadline=time.monotonic() + 0.3)
    with pytest.raises(NotYet, match="hangs") as raised:
        program.wait(lambda: False, PATIENCE_S)
    assert program.late
    assert raised.value.evidence == ("By then the time for judging was up.",)


def test_one_that_is_silent_when_the_time_is_nearly_up_is_judged_by_what_it_has_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(places, "RESERVE_S", 0.1)
    program = SimpleNamespace(lines=[Line("0 0", now(), 0)], remaining_s=0.05, late=False)
    program.wait = lambda over, _: wait_until(over, "it is silent", PATIENCE_S)
    places.await_places(program, {(0, 0), (0, 1)}, 10 * PATIENCE_S)  # type: ignore[arg-type]
    assert program.late


def test_the_end_of_what_it_has_written_is_a_line_without_a_line_end_too(
    begun: Callable[..., Program],
) -> None:
    for end in ("", "os.close(1); time.sleep(600)"):
        program = begun(f"import os, time\nprint('a\\nb\\nc', end='', flush=True)\n{end}")
        wait_until(lambda: len(program.lines) == 3, "all three are read", PATIENCE_S)  # noqa: B023
        assert [line.text for line in program.lines] == ["a", "b", "c"]


def test_a_line_that_a_kill_has_cut_short_is_none(begun: Callable[..., Program]) -> None:
    program = begun("import time\nprint('a\\nb', end='', flush=True)\ntime.sleep(600)")
    program.wait(lambda: program.lines, PATIENCE_S)
    program.kill()
    assert [line.text for line in program.lines] == ["a"]


def test_a_kill_meets_it_where_it_waits_and_it_goes_on_from_there(
    begun: Callable[..., Program],
) -> None:
    """It gets no further than a pipe holds, whose rest is read."""
    program = begun("for n in range(100000): print('x' * 99, n, flush=True)", pace=50)
    program.wait(lambda: len(program.lines) >= 20, PATIENCE_S)
    program.kill()
    first = len(program.lines)
    assert 20 <= first < 300
    program.start()
    program.pace = None
    program.wait(lambda: len(program.lines) > first + 100, PATIENCE_S)
    lives = {line.life for line in program.lines}
    assert lives == {0, 1}
    assert program.lines[first].text.endswith(" 0")


@pytest.mark.skipif(sys.platform != "linux", reason="a pipe that holds one line is Linux's")
def test_it_gets_no_further_with_short_lines_either(begun: Callable[..., Program]) -> None:
    program = begun("for n in range(100000): print(n, flush=True)", pace=50)
    program.wait(lambda: len(program.lines) >= 20, PATIENCE_S)
    before = len(program.lines)
    program.kill()
    assert len(program.lines) - before < 100, "a pipe of 4 kB holds 1,000"


def test_it_is_told_lines(begun: Callable[..., Program]) -> None:
    program = begun("import sys\nfor line in sys.stdin: print(line.strip().upper(), flush=True)")
    program.feed(["a", "b"])
    assert program.wait_end(PATIENCE_S) == 0
    assert [line.text for line in program.lines] == ["A", "B"]


# -- the verdict -----------------------------------------------------------------------------------


def judged(cluster: object, what: Callable[..., None], **options: object) -> tuple[str, str]:
    """Verdict and hint of a made-up exercise in the words of 05.1."""
    words = find_exercise("05.1").words
    exercise = Exercise("99.1", PROGRAM, words, what, minutes=1, **options)  # type: ignore[arg-type]
    verdict = judge(exercise, cluster, command=[sys.executable], seed=1)  # type: ignore[arg-type]
    assert set(verdict.as_dict()) == {
        *("exercise", "verdict", "why", "evidence", "hint", "tries", "duration_s")
    }
    json.dumps(verdict.as_dict())
    return verdict.verdict, verdict.hint


class Unbreakable:
    can_break = False


class Elsewhere(Unbreakable):
    bootstrap = ("127.0.0.1:1",)

    def status(self) -> SimpleNamespace:
        return SimpleNamespace(serving=())


def test_the_hint_grows_more_specific_until_it_passes() -> None:
    values = {"kill": 1, "partition": 0, "offset": 7}

    def fails(_: object) -> None:
        raise NotYet("committed_first", **values)

    tries = [judged(Unbreakable(), fails) for _ in range(4)]
    hints = [hint for _, hint in tries]
    assert {verdict for verdict, _ in tries} == {NOT_YET}
    assert len(set(hints[:3])) == 3 and hints[2] == hints[3]
    assert judged(Unbreakable(), lambda _: None) == (PASS, "")
    assert judged(Unbreakable(), fails)[1] == hints[0]


def test_each_verdict_is_noted_in_the_learners_progress() -> None:
    def fails(_: object) -> None:
        raise NotYet("committed_first", kill=1, partition=0, offset=7)

    judged(Unbreakable(), fails)
    judged(Unbreakable(), lambda _: None)
    noted = [(note.kind, note.name, note.told["verdict"]) for note in notes()]
    assert noted == [("judged", "99.1", NOT_YET), ("judged", "99.1", PASS)]


def test_what_breaks_brokers_says_so_where_it_can_not() -> None:
    verdict, hint = judged(Unbreakable(), lambda _: None, breaks=True)
    assert (verdict, hint) == (CANT_TELL, "")


@pytest.mark.parametrize(
    ("start_s", "verdict"), [(0.0, CANT_TELL), (PATIENCE_S, NOT_YET)], ids=["busy", "idle"]
)
def test_a_busy_machine_is_not_the_programs_fault(
    start_s: float, verdict: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was waited for in vain: that counts where another program would start in time."""
    monkeypatch.setattr(busy, "TOO_LONG_S", start_s)

    def waits(judging: Judging) -> None:
        program = judging.program()
        program.start()
        program.wait(lambda: False, 0.1)

    assert judged(Elsewhere(), waits)[0] == verdict


def test_a_program_that_keeps_the_machine_busy_itself_hears_that_it_hangs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whether the machine is busy is asked when the program has ended."""
    programs: list[Program] = []

    def busy_while_it_runs() -> bool:
        return any(program.running for program in programs)

    monkeypatch.setattr(judging, "is_too_busy", busy_while_it_runs)

    def waits(judging: Judging) -> None:
        programs.append(judging.program())
        programs[0].start()
        programs[0].wait(lambda: False, 0.1)

    assert judged(Elsewhere(), waits)[0] == NOT_YET
    assert programs


def test_a_judge_that_fails_says_nothing_against_the_program(tmp_path: Path) -> None:
    def fails(_: object) -> None:
        raise IndexError("out of range")

    words = find_exercise("05.1").words
    exercise = Exercise("99.1", PROGRAM, words, fails, minutes=1)
    verdict = judge(exercise, Unbreakable(), command=[sys.executable])  # type: ignore[arg-type]
    assert (verdict.verdict, verdict.reason) == (CANT_TELL, "judge_failed")
    assert verdict.evidence == ("IndexError: out of range",)
    (log,) = (tmp_path / "work").glob("*.log")
    assert str(log) in verdict.why and "Traceback" in log.read_text("utf-8")


def test_what_needs_no_time_counts_on_a_busy_machine_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(busy, "TOO_LONG_S", 0.0)

    def fails(judging: Judging) -> None:
        judging.program().start()
        raise NotYet("committed_first", kill=1, partition=0, offset=7)

    assert judged(Elsewhere(), fails)[0] == NOT_YET


def test_a_starter_is_never_written_over_what_is_there() -> None:
    exercise = find_exercise("05.1")
    file, new = work.write_starter(exercise, "python")
    assert new
    file.write_text("mine")
    assert work.write_starter(exercise, "python") == (file, False)
    assert file.read_text() == "mine"
    assert "class Program" in work.write_starter(exercise, "java")[0].read_text()
    kept = work.keep(file)
    assert kept is not None and kept.read_text() == "mine"
    assert work.keep(file) is None, "kept already"


def test_ids_are_those_of_the_chapters() -> None:
    ids = [exercise.id for exercise in all_exercises()]
    assert ids == sorted(set(ids))
    with pytest.raises(BadInput, match=r"its chapter has 05\.1.*`labs exercises` lists them all"):
        find_exercise("05.99")


def test_every_reason_has_a_sentence_and_every_hint_a_reason() -> None:
    room = Words(module.__file__)
    for exercise in all_exercises():
        sentences = {*exercise.words.under("why"), *room.under("why")}
        reasons = {id.removesuffix(".one").removesuffix(".other") for id in sentences}
        hinted = {name.partition(".")[0] for name in exercise.words.under("hints")}
        assert hinted <= reasons, exercise.id
