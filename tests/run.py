"""`make test`: every part in turn on clusters of the tests' own, and how long each took.

`python -m tests.run unit faults` runs only the named parts. One that is named several times has
other faults each time (`make test-exercises`).
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from labs.app.cli import end_as_on_ctrl_c
from labs.kafka.local import LocalCluster
from labs.services.known import services
from labs.supervise.home import PROJECT, Home
from tests import spent
from tests.deflake import note_of

#: The longest tests are told, and how long each folder's took together.
PYTEST = [sys.executable, "-m", "pytest", "-q", "--durations=8", "--durations-min=10"]
PYTEST += ["-p", "tests.spent"]
#: Three tests at once, for most of a test is waiting for Kafka's clocks: one alone keeps two cores
#: busy for a third of its time.
IN_THREES = ["-p", "tests.homes", "--numprocesses=3"]
#: Where a part is run several times, programs are judged in a learner's time, and a judging keeps
#: two thirds of a core busy: so there are no more at once than cores.
ONE_A_CORE = ["-p", "tests.homes", f"--numprocesses={os.cpu_count() or 2}"]
#: A test with real processes may fail by a chance that no one foresaw. It is tried once more, on a
#: clean cluster; both tries are told, with what failed. A test that fails twice fails, and so does
#: the fifth such test of a part (of 1,500). (ducktape, which tests Kafka, calls it deflake.)
ONCE_MORE = ["--reruns=1", "--max-suite-reruns=4", "--rerun-show-tracebacks"]
#: The same for a notebook: all of it, and only where nothing else failed.
ONCE_MORE += ["-p", "tests.deflake"]
#: Three workers share two cores: a panel that takes 6 s alone was seen to take 78 s.
CELL_TIMEOUT_S = 300
#: The variable from which `tests.again` has the order in which it runs cells again.
SEED_VARIABLE = "LABS_TEST_SEED"
#: The variable from which `tests.exercises` has the sequence of faults; fixed where it is not set.
FAULTS_VARIABLE = "LABS_TEST_FAULTS"

#: Every cell must run; only outputs of cells tagged `nbval-check-output` are compared.
NBVAL = [
    "--nbval-lax",
    "--nbval-kernel-name=python3",
    f"--nbval-cell-timeout={CELL_TIMEOUT_S}",
    *("-p", "no:cacheprovider", "-p", "tests.unattended"),
    "--ignore-glob=*.mine-*",  # a learner's own: labs/app/update.py
    "--rerun-exclude-path=notebooks",  # a cell that runs again finds what it did before
]
#: The last of the options: what follows are folders.
AGAIN = ["-p", "tests.again"]

FIRST: dict[str, list[list[str]]] = {
    "lint": [
        [sys.executable, "-m", "ruff", "format", "--check", "."],
        [sys.executable, "-m", "ruff", "check", "."],
        [sys.executable, "-m", "mypy"],
        [str(Path(sys.executable).with_name("lint-imports")), "--no-cache", "--no-logo"],
    ],
    "unit": [[*PYTEST, *IN_THREES, *ONCE_MORE, "tests/unit"]],
}

#: They wait for Kafka more than they compute: run together, nobody idles while one part ends.
#: Those with homes of their own come first: an idle cluster costs a tenth of a core and more, and
#: each worker's shared one starts when its first test asks for it.
LIVE = {
    "faults": "tests/faults",
    "services": "tests/services",
    "external": "tests/external",
    "notebooks": "notebooks",
    "experiments": "tests/experiments",
    "exercises": "tests/exercises",
    "integration": "tests/integration",
}
IN_THIS_ORDER = ["--no-loadscope-reorder"]

LAST = {
    "browser": [[*PYTEST, *IN_THREES, *ONCE_MORE, "tests/browser"]],
    "panels": [[*PYTEST, *IN_THREES, *ONCE_MORE, "tests/browser/test_panels.py", "--every-panel"]],
    "compose": [[*PYTEST, *ONCE_MORE, "tests/compose"]],
}

#: They need what not every machine has, or very long, and run when they are named.
ONLY_IF_NAMED = {"compose", "panels"}


def main(names: list[str]) -> int:
    """Run the parts; returns the number of those that failed."""
    known = [*FIRST, *LIVE, *LAST]
    unknown = set(names) - set(known)
    if unknown:
        print(f"no such part: {', '.join(unknown)}; there are {', '.join(known)}", file=sys.stderr)
        return 2
    results = []
    with tempfile.TemporaryDirectory(prefix="labs-test-") as folder:
        # macOS: /var is a link, and JVMs are known by the path. Short: a socket's name is, too.
        homes = Path(folder).resolve() / "h"
        homes.mkdir()
        # A part without workers has one home, too; the clusters live from part to part.
        environment = {
            **os.environ,
            "LABS_TEST_HOMES": str(homes),
            "LABS_HOME": str(homes / "alone"),
            "LABS_WORK": str(homes / "alone" / "work"),
            SEED_VARIABLE: os.environ.get(SEED_VARIABLE, str(random.randrange(10_000))),
        }
        print(f"{SEED_VARIABLE}={environment[SEED_VARIABLE]} (the order in which cells run again)")
        try:
            chosen = names or [part for part in known if part not in ONLY_IF_NAMED]
            for name, commands in steps(chosen):
                if len(set(names)) < len(names):
                    environment[FAULTS_VARIABLE] = seed = str(random.randrange(10_000))
                    print(f"{FAULTS_VARIABLE}={seed} (what is done to learners' programs)")
                results.append(run_part(name, commands, environment))
        finally:
            for home in homes.iterdir():
                end_home(Home(home))
        report(results, spent.note_of(environment))
    return sum(not passed for _, passed, _ in results)


def end_home(home: Home) -> None:
    """Stop what runs in a home: the servers beside Kafka, and the cluster."""
    for one in services(home=home):
        one.stop()
    LocalCluster(home).stop()


def steps(names: list[str]) -> Iterator[tuple[str, list[list[str]]]]:
    """What is run in turn, and its commands: each part alone, but for the live ones."""
    yield from ((name, commands) for name, commands in FIRST.items() if name in names)
    turn = 1
    # Whoever names a part five times wants to see how often it fails.
    often = len(names) > len(set(names))
    how = ONE_A_CORE if often else [*IN_THREES, *ONCE_MORE]
    while live := [name for name in LIVE if names.count(name) >= turn]:
        again = AGAIN if "notebooks" in live else []
        folders = [LIVE[name] for name in live]
        yield (
            ", ".join(live),
            [[*PYTEST, *how, *IN_THIS_ORDER, *NBVAL, *again, *folders]],
        )
        turn += 1
    yield from ((name, commands) for name, commands in LAST.items() if name in names)


def run_part(
    name: str, commands: list[list[str]], environment: dict[str, str]
) -> tuple[str, bool, float]:
    """Run one part's commands until one fails."""
    print(f"\n===== {name} =====", flush=True)
    began = time.monotonic()
    passed = all(_passes(command, environment) for command in commands)
    return name, passed, time.monotonic() - began


def _passes(command: list[str], environment: dict[str, str]) -> bool:
    """Whether it ends well; a notebook that alone did not is tried once more, and must then."""
    note = note_of(environment)
    note.unlink(missing_ok=True)
    if _run(command, environment):
        return True
    if not note.exists():
        return False
    notebook = note.read_text("utf-8")
    print(f"\n===== {notebook} once more: nothing else failed =====", flush=True)
    options = command[: command.index(AGAIN[-1]) + 1]
    passed = _run([*options, notebook], environment)
    note.unlink(missing_ok=True)
    return passed


def _run(command: list[str], environment: dict[str, str]) -> bool:
    return subprocess.run(command, cwd=PROJECT, env=environment, check=False).returncode == 0


def report(results: list[tuple[str, bool, float]], note: Path) -> None:
    """Say how long each part took, and each chapter's own tests."""
    print("\n===== how long each part took =====")
    for name, passed, seconds in results:
        print(f"{seconds:6.1f} s  {'passed' if passed else 'FAILED'}  {name}")
    print(f"{sum(seconds for *_, seconds in results):6.1f} s  all")
    if note.exists():
        print(f"minutes of it for the tests of one chapter alone: {spent.by_chapter(note)}")


if __name__ == "__main__":
    end_as_on_ctrl_c()
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit("interrupted; the tests' clusters are stopped")
