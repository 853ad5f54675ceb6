"""What the command line refuses, before anything starts; and what it tells a shell."""

from __future__ import annotations

from pathlib import Path
from zipfile import ZipFile

import pytest

from labs.app.tools import TOOLS
from labs.base.progress import silent
from labs.kafka.jars import KAFKA
from tests.helpers import Labs


def refused(tmp_path: Path, *arguments: str) -> str:
    labs = Labs(tmp_path / "home")
    answer = labs.run(*arguments)
    begun = labs.home.path.exists()
    if begun:
        labs.run("down")
    assert answer.code == 2, answer.err
    assert not begun
    return answer.sentence()


@pytest.mark.parametrize(
    "arguments",
    [
        *(("up", "--for", number) for number in ("nan", "-nan", "inf", "-1", "1e999", "337", "x")),
        *(("logs", "-n", number) for number in ("-1", "nan", "9" * 20)),
        *(("study", "--port", number) for number in ("0", "65536", "nan")),
        *(("run", "acks.leader_crash", "--set", f"lag_s={n}") for n in ("nan", "inf", "1e999")),
        ("kill", "nan"),
    ],
    ids=" ".join,
)
def test_a_number_that_is_none(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    refused(tmp_path, *arguments)


def test_nearest_names(tmp_path: Path) -> None:
    told = refused(tmp_path, "lgos")
    assert told == (
        "labs: no such command 'lgos': perhaps 'logs' is meant; `labs --help` lists the commands."
    )
    assert "perhaps '--json' is meant; " in refused(tmp_path, "status", "--jsn")
    told = refused(tmp_path, "run", "leader_crush")
    assert "perhaps acks.leader_crash is meant; `labs experiments` lists them all." in told
    told = refused(tmp_path, "run", "acks.nothing")
    assert "perhaps acks.latency or acks.leader_crash or " in told
    assert "producers." not in told
    told = refused(tmp_path, "run", "xyz")
    assert told == "labs: there is no experiment 'xyz'; `labs experiments` lists them all."


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(tmp_path: Path, shell: str) -> None:
    """As click documents it ("Shell Completion")."""
    labs = Labs(tmp_path / "home")
    script = labs.run(_LABS_COMPLETE=f"{shell}_source")
    assert script.code == 0, script.err
    assert "_labs_completion" in script.out
    words = {"COMP_WORDS": "labs stu", "COMP_CWORD": "stu" if shell == "fish" else "1"}
    answer = labs.run(_LABS_COMPLETE=f"{shell}_complete", **words)
    assert "study" in answer.out
    assert "Traceback" not in script.err + answer.err


def test_kafkas_own_tools_are_in_the_jars_and_listed(tmp_path: Path) -> None:
    """Each by the name of its script in Kafka's `bin/`, with or without `.sh`."""
    classes = {
        name.removesuffix(".class").replace("/", ".")
        for jar in KAFKA.ensure(silent).glob("kafka*.jar")
        for name in ZipFile(jar).namelist()
    }
    listed = Labs(tmp_path / "home").run("--help").out
    for tool, (runs, _) in TOOLS.items():
        assert runs in classes
        assert f"\n  {tool} " in listed
    assert "perhaps 'kafka-topics' or " in refused(tmp_path, "kafka-topic", "--list")


def test_a_tool_without_a_cluster_is_a_sentence(tmp_path: Path) -> None:
    answer = Labs(tmp_path / "home").run("kafka-topics.sh", "--list")
    assert answer.code == 3
    assert answer.sentence() == (
        "labs: the cluster is not up, and the tool asks its brokers; `labs up` starts it."
    )
