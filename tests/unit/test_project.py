"""What is written in two places says the same in both."""

from __future__ import annotations

import re
import tomllib

import pytest
import yaml  # type: ignore[import-untyped]
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from labs.app.cli import cli
from labs.app.run import listing
from labs.chapters import all_experiments
from labs.kafka.config import LAB_SETTINGS
from labs.kafka.jars import KAFKA, kafka_version
from labs.supervise.home import PROJECT
from tests.course import chapters

PINNED = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", re.MULTILINE)


def declared(*extras: str) -> list[Requirement]:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["project"]
    optional = project["optional-dependencies"]
    names = project["dependencies"] + [name for extra in extras for name in optional[extra]]
    return [Requirement(name) for name in names]


def pinned(lock: str) -> dict[str, str]:
    text = (PROJECT / "locks" / f"{lock}.txt").read_text("utf-8")
    return {canonicalize_name(name): version for name, version in PINNED.findall(text)}


@pytest.mark.parametrize(
    ("lock", "extras"), [("study", ["setup"]), ("test", ["setup", "test"])], ids=["study", "test"]
)
def test_the_locks_satisfy_the_one_list_of_dependencies(lock: str, extras: list[str]) -> None:
    versions = pinned(lock)
    for requirement in declared(*extras):
        version = versions[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version), f"{requirement} but {version} is locked"


def test_what_is_studied_with_is_what_is_tested() -> None:
    study, test = pinned("study"), pinned("test")
    assert {name: test.get(name) for name in study} == study


@pytest.mark.parametrize("lock", ["study", "test"])
def test_every_locked_package_has_a_hash(lock: str) -> None:
    text = (PROJECT / "locks" / f"{lock}.txt").read_text("utf-8")
    entries = re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE)
    bare = [entry.split()[0] for entry in entries if "==" in entry and "sha256:" not in entry]
    assert bare == []


def test_the_jars_lock_holds_what_was_asked_for() -> None:
    asked = tomllib.loads(KAFKA.spec.read_text("utf-8"))["dependencies"]["coordinates"]
    locked = {f"{jar.group}:{jar.artifact}:{jar.version}" for jar in KAFKA.jars}
    assert {coordinate.rstrip("!") for coordinate in asked} <= locked
    own = {j.version for j in KAFKA.jars if j.group == "org.apache.kafka"}
    assert own == {kafka_version()}, "jars of two Kafka versions would be mixed"
    assert all(re.fullmatch(r"[0-9a-f]{64}", jar.sha256) for jar in KAFKA.jars)


def test_compose_has_the_same_kafka_and_the_same_settings() -> None:
    compose = (PROJECT / "docker-compose.yml").read_text("utf-8")
    assert f"apache/kafka:{kafka_version()}" in compose
    for setting in LAB_SETTINGS:
        name = "KAFKA_" + setting.name.upper().replace(".", "_")
        found = re.search(rf'^ +{name}: "?([^"\n]*)"?$', compose, re.MULTILINE)
        assert found is not None, f"{name} is missing"
        assert found[1] == setting.value


def test_a_learners_programs_outlive_the_container_of_study() -> None:
    """The image has the folder, so that the volume is the learner's, too (Docker: volumes)."""
    compose = yaml.safe_load((PROJECT / "docker-compose.yml").read_text("utf-8"))
    assert "work:/srv/kafka-labs/work" in compose["services"]["study"]["volumes"]
    assert "work" in compose["volumes"]
    made = re.search(r"install -d -o learner (.+)", (PROJECT / "Dockerfile").read_text("utf-8"))
    assert made and "/srv/kafka-labs/work" in made[1].split()


def test_the_readme_names_every_command() -> None:
    readme = (PROJECT / "README.md").read_text("utf-8")
    for name, command in cli.commands.items():
        assert command.hidden or re.search(rf"`(labs )?{name}\b", readme), name
    targets = re.findall(
        r"^([a-z]+):.*## (?!For maintainers)",
        (PROJECT / "Makefile").read_text("utf-8"),
        re.MULTILINE,
    )
    assert targets
    for target in targets:
        assert f"`make {target}`" in readme, target


def test_the_readme_names_every_room_from_the_top_floor_down() -> None:
    readme = (PROJECT / "README.md").read_text("utf-8")
    linter = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]
    (floors,) = (c["layers"] for c in linter["contracts"] if c["id"] == "floors")  # all: exhaustive
    told = re.findall(r"^\| `labs/(\w+)/` \|", readme, re.MULTILINE)
    assert told == re.findall(r"\w+", " ".join(floors))


def test_each_chapter_from_2_on_has_experiments_and_those_that_break_brokers_are_marked(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """As the README says."""
    numbers = {text.chapter.partition("_")[2]: int(text.chapter[:2]) for text in chapters()}
    having = {numbers[one.name.partition(".")[0]] for one in all_experiments()}
    assert having == {number for number in numbers.values() if number >= 2}
    listing(as_json=False)
    marked = re.findall(r"^(\S+)  \(breaks brokers\)$", capsys.readouterr().out, re.MULTILINE)
    assert marked == [one.name for one in all_experiments() if one.breaks]
    assert marked and len(marked) < len(all_experiments())


def test_ci_runs_the_readmes_test_command() -> None:
    assert "make test" in (PROJECT / ".ci" / "run").read_text("utf-8").splitlines()


def test_the_readme_says_where_each_belief_is_shown_false() -> None:
    readme = (PROJECT / "README.md").read_text("utf-8")
    rows = re.findall(r"^\| (\d+) \| .+ \| (\d\d) \| (`.+`) \|$", readme, re.MULTILINE)
    assert [int(number) for number, *_ in rows] == list(range(1, 16))
    known = {experiment.name for experiment in all_experiments()}
    for _, chapter, cell in rows:
        named = re.findall(r"`([\w.]+)`", cell)
        assert named and set(named) <= known
        (text,) = (text for text in chapters() if text.chapter.startswith(f"{chapter}_"))
        code = "\n".join(cell.source for cell in text.code)
        assert all(f'panel("{name}"' in code for name in named), f"{text.chapter}: {named}"


def test_every_cell_of_the_tests_is_sent_from_one_place() -> None:
    sends = re.compile(r"client\.execute(_interactive)?\((?!cwd=)")  # nbclient's own names a folder
    files = {
        path.name
        for path in (PROJECT / "tests").rglob("*.py")
        if sends.search(path.read_text("utf-8"))
    }
    assert files == {"kernels.py"}
