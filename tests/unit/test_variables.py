"""Our variables are all read alike: blanks do not count, and numbers are numbers or are refused."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from labs.base import variables
from labs.base.errors import BadInput
from labs.kafka import backend, choose, external
from labs.supervise import download, ports, watchdog
from labs.supervise.home import PROJECT, Home, cache_dir
from labs.supervise.java import find_java

BLANK = ("", " ", "\t\n")


@pytest.fixture(autouse=True)
def unset(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Where a wrong path would lead is a folder of this test's."""
    for name in ("LABS_HOME", "LABS_CACHE", "LABS_JAVA", "LABS_CLUSTER", "LABS_BOOTSTRAP"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    yield
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("blank", BLANK)
@pytest.mark.parametrize(
    "name",
    [
        *("LABS_HOME", "LABS_CACHE", "LABS_JAVA", "LABS_CLUSTER", "LABS_BOOTSTRAP", "LABS_PREFIX"),
        *("LABS_FIRST_PORT", "LABS_GRACE_S", "LABS_MAVEN", "XDG_CACHE_HOME", "LABS_PORTS"),
    ],
)
def test_a_blank_one_counts_as_unset(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory, name: str, blank: str
) -> None:
    def told() -> tuple[object, ...]:
        source = download.Source(tmp_path_factory.mktemp("source")).address
        places = Home.current(), cache_dir(), find_java(), source
        names = backend.backend(), external.chosen_prefix(), variables.named("LABS_PORTS")
        return *places, *names, ports.first(), watchdog.chosen_grace_s()

    monkeypatch.delenv(name, raising=False)
    as_unset = told()
    monkeypatch.setenv(name, blank)
    assert told() == as_unset


def test_blanks_around_a_value_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABS_CLUSTER", " compose\n")
    monkeypatch.setenv("LABS_FIRST_PORT", " 2000 ")
    monkeypatch.setenv("LABS_HOME", " /here ")
    assert (backend.backend(), ports.first()) == ("compose", 2000)
    assert Home.current().path == Path("/here")


def test_compose_is_told_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"LABS_PORTS": " 3909 ", "LABS_STUDY_PORT": " ", "ANOTHERS": " "}.items():
        monkeypatch.setenv(name, value)
    told = variables.for_others()
    assert told["LABS_PORTS"] == "3909"
    assert told["ANOTHERS"] == " "
    assert "LABS_STUDY_PORT" not in told


@pytest.mark.parametrize("value", ["abc", "nan", "inf", "-1", "1e999", "9" * 5000])
@pytest.mark.parametrize(
    ("backend", "name"),
    [
        ("local", "LABS_GRACE_S"),
        ("local", "LABS_FIRST_PORT"),
        ("compose", "LABS_PORTS"),
        ("compose", "LABS_STUDY_PORT"),
    ],
)
def test_what_is_no_number_is_refused_before_anything_starts(
    monkeypatch: pytest.MonkeyPatch, backend: str, name: str, value: str
) -> None:
    monkeypatch.setenv("LABS_CLUSTER", backend)
    monkeypatch.setenv(name, value)
    with pytest.raises(BadInput, match=rf"^{name} is .* number from .*set it to one, or unset it"):
        choose.chosen()


def test_no_variable_of_ours_is_read_elsewhere() -> None:
    read = re.compile(r"environ\b.*LABS_|getenv\(")
    found = [
        f"{path.name}: {line.strip()}"
        for path in (PROJECT / "labs").rglob("*.py")
        if path.name != "variables.py"
        for line in path.read_text("utf-8").splitlines()
        if read.search(line) and "**os.environ" not in line  # handed on, with ours set
    ]
    assert found == []


def test_whose_home_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABS_HOME", "~no-such-user/x")
    with pytest.raises(BadInput, match="no user 'no-such-user' is known here; set LABS_HOME to a"):
        Home.current()
