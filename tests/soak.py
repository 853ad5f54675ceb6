"""`make soak`: minutes of random faults by the commands, and what must be true all the same.

    python -m tests.soak --minutes 15 --seed 7

It breaks nodes, starts, resets and stops the cluster and runs experiments, at random: one command
after the other, two at once, and some that are killed half way; now and then a signal comes from
outside. Meanwhile a producer writes with `acks=all` to a topic with `min.insync.replicas=2`. So:

- no command takes longer than its bound, and none prints a traceback;
- whatever was done before, `labs up`, `labs reset`, *Repair all* and an experiment alone succeed;
- every acknowledged record is there when the cluster is whole again;
- after `labs down` nothing is left running.

The seed chooses what is done. The machine's pace is not in its hand: a second run is much like the
first, not the same.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from confluent_kafka import Consumer, KafkaError, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from labs.app.cli import end_as_on_ctrl_c
from labs.chapters import all_experiments
from labs.supervise.home import PROJECT
from tests.helpers import Labs, wait_until

#: How long a command may take alone, s (an experiment: its own time, and what it waits for).
BOUND_S = {"run": 300.0}
DEFAULT_BOUND_S = 150.0
NODES = ("1", "2", "3", "100")
FAULTS = ("kill", "pause", "resume", "stop", "start")
SHOWN = 15  # commands, when something is wrong
PARTITIONS = 3

#: Not for long: whoever ends a soak may leave a cluster behind.
UP = ("up", "--for", "0.5")

#: What a notebook does, as a command of its own.
IN_PYTHON = {
    "connect": "import labs; labs.connect()",
    "mend": "import labs; from labs.kafka.choose import chosen; labs.cockpit(chosen()).mend()",
}
#: Alone, these succeed whatever was done before.
MUST_SUCCEED = ("up", "down", "reset", "run", "connect", "mend")


class Wrong(Exception):  # noqa: N818 - it names what was found
    """Something that must be true is not."""


@dataclass
class Command:
    """One command under way. `doomed_s`: after so long it is ended by `number`."""

    words: tuple[str, ...]
    doomed_s: float | None = None
    number: signal.Signals = signal.SIGKILL
    began: float = field(default_factory=time.monotonic)

    @property
    def name(self) -> str:
        return self.words[0]

    def __str__(self) -> str:
        end = "" if self.doomed_s is None else f" ({self.number.name} after {self.doomed_s:.1f} s)"
        return " ".join(self.words) + end


class Writer:
    """Writes all the time, and remembers what was acknowledged. A reset begins a new topic."""

    def __init__(self) -> None:
        self.topic, self.acknowledged, self.number = "", set[int](), 0
        self._generation = 0
        self._producer: Producer | None = None

    def begin(self, bootstrap: str) -> None:
        """Make a topic, on a whole cluster, unless there is one."""
        self._producer = Producer(
            {
                "bootstrap.servers": bootstrap,
                "acks": "all",
                "message.timeout.ms": 20_000,
                "log_level": 0,
            }
        )
        if not self.topic:
            self._generation += 1
            self.topic, self.acknowledged = f"soak-{self._generation}", set()
            new = NewTopic(self.topic, PARTITIONS, 3, config={"min.insync.replicas": "2"})
            admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
            admin.create_topics([new])[self.topic].result()

    def write(self, count: int) -> None:
        """Hand over some records, whatever the cluster does."""
        if self._producer is None or not self.topic:
            return
        for _ in range(count):
            self.number += 1
            self._producer.produce(
                self.topic, b"%d" % self.number, on_delivery=self._noted(self.topic, self.number)
            )
        self._producer.poll(0)

    def _noted(self, topic: str, number: int):  # type: ignore[no-untyped-def]
        def note(error: KafkaError | None, _: object) -> None:
            if error is None and topic == self.topic:
                self.acknowledged.add(number)

        return note

    def forget(self) -> None:
        """A reset deletes the topic, or has begun to."""
        self.topic = ""

    def lost(self, bootstrap: str) -> set[int]:
        """What was acknowledged and is not there, on a whole cluster."""
        if not self.topic:
            return set()
        if self._producer is not None:
            self._producer.flush(30)
        return self.acknowledged - _read(bootstrap, self.topic)


def _slowness() -> float:
    """By how much more a command may take while others keep this machine busy."""
    busy = os.getloadavg()[0] / (os.cpu_count() or 1)
    return max(1.0, busy / 4)


def _read(bootstrap: str, topic: str) -> set[int]:
    """Every record of a topic, to its very end."""
    reader = Consumer({"bootstrap.servers": bootstrap, "group.id": "soak", "log_level": 0})
    try:
        found: set[int] = set()
        for partition in range(PARTITIONS):
            place = TopicPartition(topic, partition, 0)
            _, end = reader.get_watermark_offsets(place, timeout=30)
            reader.assign([place])
            deadline = time.monotonic() + 60
            while reader.position([place])[0].offset < end and end > 0:
                if time.monotonic() > deadline:
                    raise Wrong(f"{topic}-{partition} could not be read to its end, {end}")
                message = reader.poll(1.0)
                if message is not None and message.error() is None:
                    found.add(int(message.value() or b"0"))
        return found
    finally:
        reader.close()


class Soak:
    """One run, on a cluster of its own."""

    def __init__(self, home: Path, seed: int) -> None:
        self.labs = Labs(home)
        self.random = random.Random(seed)
        self.writer = Writer()
        self.began = time.monotonic()
        self.lines: deque[str] = deque(maxlen=SHOWN)
        self.commands = 0
        self.experiments = [experiment.name for experiment in all_experiments()]

    # -- what is done ------------------------------------------------------------------------

    def step(self) -> None:
        """Something at random."""
        kinds = {
            self.fault: 10,
            self.from_outside: 1,
            self.at_once: 3,
            self.cut_short: 3,
            self.alone: 3,
            self.made_whole: 2,
        }
        (kind,) = self.random.choices(list(kinds), list(kinds.values()))
        kind()

    def fault(self) -> None:
        """One node, one fault."""
        self.do(self._fault())

    def _fault(self) -> Command:
        return Command((self.random.choice(FAULTS), self.random.choice(NODES)))

    def alone(self) -> None:
        """A command that must succeed."""
        self.do(self._big())

    def _big(self) -> Command:
        weights = {"up": 4, "reset": 2, "run": 3, "down": 1, "connect": 1, "mend": 3, "doctor": 1}
        (name,) = self.random.choices(list(weights), list(weights.values()))
        if name == "run":
            return Command(("run", self.random.choice(self.experiments), "--json"))
        if name == "reset" and self.random.random() < 0.2:
            return Command(("reset", "--hard"))
        return Command(UP if name == "up" else (name,))

    def at_once(self) -> None:
        """Two commands at the same time, of which one may come later."""
        first = self._big() if self.random.random() < 0.7 else self._fault()
        self.do(first, self._fault() if self.random.random() < 0.7 else self._big())

    def cut_short(self) -> None:
        """A command that is ended half way."""
        command = self._big() if self.random.random() < 0.7 else self._fault()
        command.doomed_s = self.random.uniform(0.1, 4.0)
        command.number = self.random.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGTERM])
        self.do(command)

    def from_outside(self) -> None:
        """A signal to a JVM that no command knows of."""
        pids = self.labs.jvms()
        if pids:
            pid = self.random.choice(pids)
            number = self.random.choice([signal.SIGKILL, signal.SIGTERM, signal.SIGSTOP])
            self.say(f"{number.name} to process {pid}, from outside")
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                self.say("it was gone")

    def made_whole(self) -> None:
        """The cluster can be made whole, and has what was acknowledged."""
        self.do(Command(UP))
        status = self.labs.status()
        bootstrap = ",".join(status["bootstrap"])
        states = {node["id"]: node["state"] for node in status["nodes"]}
        if set(states.values()) != {"running"}:
            raise Wrong(f"after `labs up` the nodes are {states}")
        lost = self.writer.lost(bootstrap)
        if lost:
            raise Wrong(f"{len(lost)} acknowledged records are lost, such as {sorted(lost)[:5]}")
        self.say(f"whole; {len(self.writer.acknowledged):,} acknowledged records are there")
        self.writer.begin(bootstrap)
        self.writer.write(100)

    # -- how it is done ----------------------------------------------------------------------

    def do(self, *commands: Command) -> None:
        """Run these at once, and look at how they ended."""
        if any(command.name == "reset" for command in commands):
            self.writer.forget()
        running = [self._begin(command) for command in commands]
        bound = sum(BOUND_S.get(command.name, DEFAULT_BOUND_S) for command in commands)
        for process, command in zip(running, commands, strict=True):
            self._end(process, command, bound, alone=len(commands) == 1)

    def _begin(self, command: Command) -> subprocess.Popen[str]:
        self.commands += 1
        words = (
            [sys.executable, "-c", IN_PYTHON[command.name]]
            if command.name in IN_PYTHON
            else [sys.executable, "-m", "labs", *command.words]
        )
        command.began = time.monotonic()
        return subprocess.Popen(
            words,
            cwd=PROJECT,
            env={**os.environ, **self.labs.environment, "LABS_HOME": str(self.labs.home.path)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    def _end(
        self, process: subprocess.Popen[str], command: Command, bound_s: float, alone: bool
    ) -> None:
        ended = False
        while process.poll() is None:
            took = time.monotonic() - command.began
            if command.doomed_s is not None and took > command.doomed_s and not ended:
                process.send_signal(command.number)
                ended = True
            if took > bound_s * _slowness():
                process.kill()
                said = process.communicate()[1]
                raise Wrong(f"{command} was not done after {bound_s:g} s; it said: {said[-500:]}")
            self.writer.write(1)
            time.sleep(0.05)
        said = process.communicate()[1]
        last = said.strip().splitlines()[-1] if said.strip() else ""
        took = time.monotonic() - command.began
        self.say(f"{command} → {process.returncode} in {took:.1f} s  {last}")
        if "Traceback" in said:
            raise Wrong(f"{command} printed a traceback:\n{said[-3000:]}")
        must = alone and command.doomed_s is None and command.name in MUST_SUCCEED
        if must and process.returncode:
            raise Wrong(f"{command} failed alone:\n{said[-1500:]}")

    def say(self, line: str) -> None:
        """Print it, with the time, and keep the last ones."""
        told = f"{time.monotonic() - self.began:7.1f} s  {line}"
        self.lines.append(told)
        print(told, flush=True)

    # -- the end -----------------------------------------------------------------------------

    def nothing_left(self) -> None:
        """After `labs down` nothing of this home runs."""
        self.do(Command(("down",)))
        wait_until(lambda: not self.leftovers(), "nothing of the home to run", 30)

    def leftovers(self) -> list[str]:
        """Whatever runs with our home in its environment."""
        found = []
        for process in psutil.process_iter(["pid", "name"]):
            try:
                environment = process.environ()
                if process.pid != os.getpid() and (
                    environment.get("LABS_HOME") == str(self.labs.home.path)
                ):
                    found.append(f"{process.pid} {process.cmdline()[:4]}")
            except psutil.Error:
                continue
        return found


def main() -> int:
    """Soak; returns the exit code."""
    asked = argparse.ArgumentParser(prog="make soak", description=__doc__)
    asked.add_argument("--minutes", type=float, default=15.0)
    asked.add_argument("--seed", type=int, default=random.randrange(10_000))
    options = asked.parse_args()
    # A shell starts background jobs deaf to Ctrl-C, and every command would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    end_as_on_ctrl_c()
    home = Path(tempfile.mkdtemp(prefix="labs-soak-")).resolve()
    print(f"seed {options.seed}, {options.minutes:g} minutes, home {home}", flush=True)
    soak = Soak(home, options.seed)
    deadline = soak.began + 60 * options.minutes
    try:
        soak.made_whole()
        while time.monotonic() < deadline:
            soak.step()
        soak.made_whole()
        soak.do(Command(("run", "acks.latency", "--json")))
        soak.nothing_left()
    except (Wrong, AssertionError) as error:
        print(f"\nseed {options.seed}, after {soak.commands} commands: {error}\n\nThe last ones:")
        print("\n".join(soak.lines))
        print(f"\nThe cluster's logs are in {home / 'logs'}; what runs: {soak.leftovers()}")
        return 1
    except KeyboardInterrupt:
        print(f"\nseed {options.seed}: interrupted after {soak.commands} commands")
        return 1
    finally:
        soak.labs.run("down")
    shutil.rmtree(home)
    print(f"seed {options.seed}: {soak.commands} commands, and the cluster was whole each time")
    return 0


if __name__ == "__main__":
    sys.exit(main())
