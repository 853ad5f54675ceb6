"""Every experiment of chapter 12 shows what the chapter says, on the live cluster and registry."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest

from labs.chapters.schemas.changes import CHANGES
from labs.chapters.schemas.rules import LEVELS
from labs.experiment.result import Result
from labs.experiment.views import Grid
from labs.kafka.local import LocalCluster
from labs.services.known import service
from labs.workload.judgements import VALID
from tests.outcomes import came_true, measured, run_of

run = partial(run_of, "schemas")


@pytest.fixture(scope="module")
def with_registry(own_cluster: LocalCluster) -> Iterator[LocalCluster]:
    """One registry for all tests: a reset of the cluster would take its topics from it."""
    service("registry").stop()
    own_cluster.reset()
    service("registry").start()
    yield own_cluster
    service("registry").stop()


# -- without a registry ----------------------------------------------------------------------------


@pytest.mark.parametrize("broken", ["renamed", "text", "cut"])
def test_a_strict_reader_stands_still_at_the_broken_record(
    with_registry: LocalCluster, broken: str
) -> None:
    result = run(with_registry, "unchecked", broken=broken, records=50)
    assert came_true(result) == "behind"
    assert result.report.verdict == VALID
    assert result.report.counts.acknowledged == 101, "the broker took the broken one as well"
    assert measured(result, "lag_records") == 51, "it, and all behind it"
    assert measured(result, "crashes") > 1


def test_a_lenient_reader_counts_wrong_without_an_error(with_registry: LocalCluster) -> None:
    result = run(with_registry, "unchecked", reader="lenient", records=50)
    assert came_true(result) == "silently"
    assert (measured(result, "crashes"), measured(result, "lag_records")) == (0, 0)
    assert measured(result, "wrong_by_minutes") > 0


# -- rules -----------------------------------------------------------------------------------------

#: What each level is to accept, as Confluent's and Avro's documentation have it.
BACKWARD = {"add_default", "drop_default", "drop_bare", "widen", "default_given"}
FORWARD = {"add_default", "add_bare", "drop_default", "default_taken"}
EVERY = {change.id for change in CHANGES}
EXPECTED = {
    "NONE": EVERY,
    "BACKWARD": BACKWARD | {"default_taken"},
    "BACKWARD_TRANSITIVE": BACKWARD,
    "FORWARD": FORWARD | {"default_given"},
    "FORWARD_TRANSITIVE": FORWARD,
    "FULL": {"add_default", "drop_default", "default_taken", "default_given"},
    "FULL_TRANSITIVE": {"add_default", "drop_default"},
}


def test_the_published_rules_name_every_level() -> None:
    assert set(EXPECTED) == set(LEVELS)


@pytest.mark.parametrize("level", LEVELS)
def test_the_registry_refuses_what_its_rule_forbids(
    with_registry: LocalCluster, level: str
) -> None:
    result = run(with_registry, "rules", level=level)
    accepted = {id for id, row in _rows(result).items() if row[0] == "accepted"}
    assert accepted == EXPECTED[level]
    assert result.report.verdict == VALID
    readers = {id: tuple(row[1:]) for id, row in _rows(result).items()}
    assert {id for id, seen in readers.items() if seen[0] == "reads"} == BACKWARD
    assert {id for id, seen in readers.items() if seen[1] == "reads"} == FORWARD
    if level == "FULL_TRANSITIVE":
        assert measured(result, "accepted_that_break_a_new_reader") == 0
        assert measured(result, "accepted_that_break_an_old_reader") == 0


def _rows(result: Result) -> dict[str, list[str]]:
    view = result.views[0]
    assert isinstance(view, Grid)
    return {id: list(row) for id, row in view.rows.items()}


def test_which_of_two_changes_a_level_refuses(with_registry: LocalCluster) -> None:
    assert came_true(run(with_registry, "rules")) == "add"
    assert came_true(run(with_registry, "rules", level="FORWARD")) == "drop"


# -- who deploys first -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "first", "expected"),
    [
        ("drop_bare", "writers", "between"),
        ("drop_bare", "readers", "none"),
        ("add_bare", "writers", "old_ones"),
        ("add_bare", "readers", "both"),
        ("add_default", "writers", "none"),
        ("add_default", "readers", "none"),
        ("drop_default", "writers", "none"),
        ("rename", "readers", "both"),
        ("rename", "writers", "both"),
    ],
)
def test_who_deploys_first(
    with_registry: LocalCluster, change: str, first: str, expected: str
) -> None:
    result = run(with_registry, "deploy", change=change, first=first)
    assert came_true(result) == expected
    assert result.report.verdict == VALID, "each record is there, readable or not"


# -- formats ---------------------------------------------------------------------------------------


def test_avro_is_smallest_and_json_schema_adds_five_bytes_to_json(
    with_registry: LocalCluster,
) -> None:
    result = run(with_registry, "formats")
    sizes = [measured(result, f"{name}_bytes") for name in ("avro", "protobuf", "json")]
    assert sizes == sorted(sizes)
    assert 2 * sizes[0] < sizes[2]
    added = measured(result, "json_schema_bytes") - measured(result, "json_bytes")
    assert added == pytest.approx(5, abs=0.2)
    assert result.report.verdict == VALID


# -- the registry is gone --------------------------------------------------------------------------


def test_who_runs_goes_on_while_the_registry_hangs_and_all_others_wait(
    with_registry: LocalCluster,
) -> None:
    result = run(with_registry, "outage", registry="paused", seconds=5)
    assert came_true(result) == "running"
    assert _states(result) == ("works", "works", "waits", "waits", "waits")
    assert measured(result, "written_meanwhile_records") > 0
    assert result.measurements["gave_up_after_s"] is None


def test_who_starts_while_the_registry_is_dead_gives_up(with_registry: LocalCluster) -> None:
    result = run(with_registry, "outage", seconds=12)
    assert came_true(result) == "running"
    assert _states(result) == ("works", "works", "gives_up", "gives_up", "gives_up")
    assert measured(result, "gave_up_after_s") > 0
    assert result.measurements["error"] == "ConnectError"
    service("registry").start()  # it was begun by the experiment


def _states(result: Result) -> tuple[object, ...]:
    names = ("running_writer", "running_reader", "running_writer_new_schema", "new_writer",
             "new_reader")  # fmt: skip
    return tuple(result.measurements[name] for name in names)
