"""A learner's program, run safely: told, killed, started again, listened to, and ended for good.

It runs in a session of its own, so that a signal reaches whatever it has started. Its standard
output is read at the `pace` of a slow reader, through a pipe that holds one line (on Linux;
elsewhere some kB): a program that gets ahead of what is read waits there, and a kill meets it at
that very place.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import psutil

from labs.base.clock import now
from labs.base.words import Words
from labs.exercise.verdict import NotYet
from labs.supervise import wards

words = Words(__file__)

#: More than any exercise asks for, bytes: of standard output and of standard error, each.
OUTPUT_LIMIT = 4_000_000
#: The same of lines of standard output.
LINES_LIMIT = 200_000
#: The same of all files in the folder that we give it, bytes.
FILES_LIMIT = 50_000_000
#: So much of standard error is kept, bytes.
KEPT = 4000

#: How long a program may take to end after SIGTERM, s; when the time for judging is up, at least.
STOP_S, LAST_STOP_S = 5.0, 1.5
#: How long what it has started may live on after it, s.
LINGER_S = 1.0
#: How long the rest of a dead program's output is read, s: a child may hold the pipe open.
DRAIN_S = 1.0
PAUSE_S = 0.02
#: An offset is a number of 64 bits; Python refuses to read one of some thousand digits.
MOST_DIGITS = 19
#: How often it is looked for what the program has started, s.
FAMILY_S = 0.5

#: A pipe's smallest size on Linux, bytes, where it is a page; elsewhere it stays as it is.
PIPE_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Line:
    """A line of standard output: when it was read, and in which of the program's lives (from 0)."""

    text: str
    time: float
    life: int


@dataclass
class _Life:
    """One start of the program, until its end."""

    number: int
    process: subprocess.Popen[bytes]
    began: float
    over: threading.Event = field(default_factory=threading.Event)
    threads: list[threading.Thread] = field(default_factory=list)
    #: What it was seen to have started, whatever that has done with its mark and its session.
    family: set[psutil.Process] = field(default_factory=set)
    looked: float = 0.0


class Program:
    """A program that the judge starts, kills and starts again.

    Args:
        command: what to run.
        environment: its variables.
        folder: where it runs.
        pace: lines of its output that are read in a second; None: as fast as they come.
        files: a folder in which it may write; what lies there must not grow without end.
        deadline: when the judging must be over, by `time.monotonic`.
        ward: the mark by which a watchdog ends it, should we be killed (`labs.supervise.wards`).
        bounds: looks at what else must not grow without end; raises `NotYet` where it does.
    """

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        folder: Path,
        pace: float | None = None,
        files: Path | None = None,
        deadline: float = float("inf"),
        ward: str = "",
        bounds: Callable[[], object] = lambda: None,
    ) -> None:
        self.command, self.folder, self.pace, self.files = command, folder, pace, files
        self._bounds = bounds
        self.lines: list[Line] = []
        self.lives = 0
        self.mark = f"{ward}.{uuid.uuid4().hex}"
        self.environment = {**environment, wards.VARIABLE: self.mark}
        self._deadline = deadline
        self._life: _Life | None = None
        self._said = b""
        self._bytes = {"stdout": 0, "stderr": 0}
        self._flooded: NotYet | None = None
        #: Whether it was waited for in vain: on a busy machine that says nothing against it.
        self.late = False

    # -- its life ----------------------------------------------------------------------------------

    def start(self) -> None:
        """Start it, for the first time or again.

        Raises:
            NotYet: the system can't run it.
        """
        reading, writing = _pipe(line_by_line=self.pace is not None)
        try:
            process = subprocess.Popen(
                self.command,
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.PIPE,
                stdout=writing,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            os.close(reading)
            named = Path(self.command[0]).name
            raise NotYet("not_executable", program=named, system=error.strerror) from None
        finally:
            os.close(writing)
        process.stdout = os.fdopen(reading, "rb")
        self._life = life = _Life(self.lives, process, now())
        self.lives += 1
        for target in (self._listen, self._overhear):
            thread = threading.Thread(target=target, args=(life,), name="labs-program", daemon=True)
            life.threads.append(thread)
            thread.start()

    @property
    def remaining_s(self) -> float:
        """How much of the time for judging is left, s."""
        return max(0.0, self._deadline - time.monotonic())

    @property
    def running(self) -> bool:
        """Whether it has been started and not ended."""
        return self._life is not None and self._life.process.poll() is None

    def kill(self) -> None:
        """SIGKILL, to it and to whatever it has started. What it had written is read to the end."""
        if self._life is not None:
            self._end(self._life)

    def stop(self) -> None:
        """SIGTERM, and wait for its end.

        Raises:
            NotYet: it did not end, or left children behind. Both are ended by now.
        """
        if self._life is None:
            return
        _signal(self._life.process.pid, signal.SIGTERM)
        seconds = min(STOP_S, max(LAST_STOP_S, self.remaining_s))
        if not _until(lambda: not self.running, seconds):
            self.late = True
            self.kill()
            raise NotYet("ignores_sigterm", seconds=round(seconds, 1))
        self._bury()

    def wait_end(self, timeout_s: float) -> int:
        """Wait until it ends by itself; returns its exit code.

        Raises:
            NotYet: it did not, it left children behind, it writes without end.
        """
        self._wait(lambda: not self.running, timeout_s)
        assert self._life is not None
        code = self._life.process.returncode
        self._bury()
        return code

    def wait(self, until: Callable[[], object], timeout_s: float) -> None:
        """Wait for something while it runs.

        Raises:
            NotYet: it was in vain, the program ended, or it writes without end.
        """

        def done() -> bool:
            if until():
                return True
            self.require_alive()
            return False

        self._wait(done, timeout_s)

    def require_alive(self) -> None:
        """It must go on until it is ended.

        Raises:
            NotYet: it has ended by itself.
        """
        life = self._life
        if life is None or life.process.poll() is None:
            return
        self._bury()
        if self._flooded:
            raise self._flooded
        seconds = max(0.1, round(now() - life.began, 1))
        ended = how_it_ended(life.process.returncode)
        raise NotYet("ended", *self.last_words(), how=ended, seconds=seconds)

    def last_words(self, lines: int = 3) -> list[str]:
        """The end of what it has written to standard error, without what would steer a terminal.

        The end of Python's traceback may be all of a library: then the learner's own line, too.
        """
        said = self._said.decode("utf-8", "replace").splitlines()
        told = ["".join(c if c.isprintable() else " " for c in line).rstrip() for line in said]
        told = [line for line in told if line]
        return [*self._own_place(told[:-lines]), *told[-lines:]]

    def _own_place(self, told: list[str]) -> list[str]:
        """The last place in the learner's own file that a traceback names, and its code."""
        own = {f'File "{part}"' for part in self.command}
        places = [
            f"{place.strip()}: {code.strip()}"
            for place, code in pairwise(told)
            if place.strip().partition(",")[0] in own
        ]
        return places[-1:]

    def close(self) -> None:
        """End it and whatever it has started, without a word."""
        self.kill()

    # -- what it is told ---------------------------------------------------------------------------

    def feed(self, lines: Iterable[str]) -> threading.Thread:
        """Write lines to its standard input from a thread, as fast as it reads them; then end it.

        `lines` may take its time: each is written as soon as it comes.
        """
        life = self._life
        assert life is not None
        pipe = life.process.stdin
        assert pipe is not None

        def write() -> None:
            with contextlib.suppress(OSError, ValueError):  # it has ended, or does not read
                for line in lines:
                    pipe.write(line.encode() + b"\n")
                    pipe.flush()
                pipe.close()

        thread = threading.Thread(target=write, name="labs-feed", daemon=True)
        thread.start()
        return thread

    # -- within ------------------------------------------------------------------------------------

    def _wait(self, until: Callable[[], bool], timeout_s: float) -> None:
        began = time.monotonic()
        while not until():
            self._require_bounds()
            seconds = time.monotonic() - began
            over = [] if self.remaining_s else [words("time_up")]
            if seconds > timeout_s or over:
                self.late = True
                raise NotYet("hangs", *self.last_words(), *over, seconds=max(1, round(seconds)))
            time.sleep(PAUSE_S)
        self._require_bounds()

    def _require_bounds(self) -> None:
        if self._flooded:
            self.kill()
            raise self._flooded
        if self._life is not None and time.monotonic() > self._life.looked + FAMILY_S:
            self._look_for_family(self._life)
        self._bounds()
        if self.files is not None and _size(self.files) > FILES_LIMIT:
            self.kill()
            raise NotYet("writes_without_end", limit=FILES_LIMIT // 1_000_000)

    def _listen(self, life: _Life) -> None:
        for line in self._lines(life):
            self.lines.append(Line(line.decode("utf-8", "replace"), now(), life.number))
            if len(self.lines) > LINES_LIMIT:
                self._flood(life, NotYet("floods_lines", limit=LINES_LIMIT))
                return
            if self.pace:
                life.over.wait(1 / self.pace)

    def _lines(self, life: _Life) -> Iterable[bytes]:
        """Each line; the last one, too, where no line end follows and nothing has cut it short."""
        rest = b""
        for chunk in self._chunks(life, "stdout"):
            *whole, rest = (rest + chunk).split(b"\n")
            yield from whole
        if rest and not _is_cut_short(life):
            yield rest

    def _overhear(self, life: _Life) -> None:
        for chunk in self._chunks(life, "stderr"):
            self._said = (self._said + chunk)[-KEPT:]

    def _chunks(self, life: _Life, stream: str) -> Iterable[bytes]:
        """What comes by a pipe, until its end; a program that floods it is ended."""
        pipe = getattr(life.process, stream)
        with pipe:
            last = None
            while last is None or time.monotonic() < last:
                if not select.select([pipe], [], [], 0.1)[0]:
                    if life.process.poll() is not None and last is None:
                        last = time.monotonic() + DRAIN_S
                    continue
                chunk = os.read(pipe.fileno(), PIPE_BYTES)
                if not chunk:
                    return
                self._bytes[stream] += len(chunk)
                if self._bytes[stream] > OUTPUT_LIMIT:
                    limit = OUTPUT_LIMIT // 1_000_000
                    self._flood(life, NotYet("floods", stream=stream, limit=limit))
                    return
                yield chunk

    def _flood(self, life: _Life, found: NotYet) -> None:
        """End it, and have whoever waits for it say why."""
        self._flooded = found
        _signal(life.process.pid, signal.SIGKILL)

    def _bury(self) -> None:
        """It has ended by itself, or as it was told: nothing of it must live on.

        Raises:
            NotYet: something did; it is ended now.
        """
        life = self._life
        assert life is not None
        alone = _until(lambda: not self._others(life), LINGER_S)
        left = [_name(process) for process in self._others(life)]
        self._end(life)
        if not alone:
            raise NotYet("children", *left[:3], count=len(left))

    def _end(self, life: _Life) -> None:
        others = self._others(life)
        _signal(life.process.pid, signal.SIGKILL)
        for process in others:
            with contextlib.suppress(psutil.Error):
                process.kill()
        life.process.wait()
        psutil.wait_procs(others, timeout=STOP_S)  # killed, they may still take a moment
        life.over.set()
        for thread in life.threads:
            thread.join(2 * DRAIN_S)
        with contextlib.suppress(OSError):
            assert life.process.stdin
            life.process.stdin.close()

    def _others(self, life: _Life) -> list[psutil.Process]:
        """What it has started and what still lives."""
        pid = life.process.pid
        self._look_for_family(life)
        family = {each for each in life.family if _lives(each)}
        carriers = set(wards.carriers(self.mark, session=pid))
        return [each for each in family | carriers if each.pid != pid]

    @staticmethod
    def _look_for_family(life: _Life) -> None:
        """Remember what it has started: such a process may drop its mark and leave the session."""
        life.looked = time.monotonic()
        known = {each.pid for each in life.family if _lives(each)}
        if life.process.returncode is None:  # its number may be another's by now
            known.add(life.process.pid)
        others = {each: each.info["ppid"] for each in psutil.process_iter(["ppid"])}
        while new := {each for each, parent in others.items() if parent in known} - life.family:
            life.family |= new
            known |= {each.pid for each in new}


def _is_cut_short(life: _Life) -> bool:
    """Whether a signal has ended it; one that lives on has closed its output itself."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        return life.process.wait(DRAIN_S) < 0
    return False


def _pipe(line_by_line: bool) -> tuple[int, int]:
    """A pipe's ends, to read from and to write to; it holds as little as the system allows.

    `line_by_line`: it holds what one call has written (Linux: pipe(2), O_DIRECT), if not more than
    `PIPE_BYTES`.
    """
    ends = None
    if line_by_line and sys.platform == "linux":
        with contextlib.suppress(OSError):  # gVisor knows no such pipes
            ends = os.pipe2(os.O_CLOEXEC | os.O_DIRECT)
    ends = ends or os.pipe()
    if hasattr(fcntl, "F_SETPIPE_SZ"):
        with contextlib.suppress(OSError):
            fcntl.fcntl(ends[0], fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    return ends


def is_number(text: str) -> bool:
    """Whether a program, or a learner, has written a whole number that Kafka could know."""
    return text.isdecimal() and len(text) <= MOST_DIGITS


def how_it_ended(code: int) -> str:
    """An exit code, or a signal's name, at the end of a sentence; not each signal has one."""
    if code >= 0:
        return words("exit_code", code=code)
    names = {number.value: number.name for number in signal.Signals}
    return names.get(-code) or words("signal", number=-code)


def _signal(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _until(true: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(PAUSE_S)
    return True


def _lives(process: psutil.Process) -> bool:
    """Whether it is the same process still, and no zombie."""
    with contextlib.suppress(psutil.Error):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def _name(process: psutil.Process) -> str:
    with contextlib.suppress(psutil.Error):
        return " ".join(process.cmdline())[:120] or process.name()
    return str(process.pid)


def _size(folder: Path) -> int:
    size = 0
    for place, _, names in os.walk(folder):  # what goes away meanwhile does not stop it
        for name in names:
            with contextlib.suppress(OSError):
                size += Path(place, name).lstat().st_size
    return size
