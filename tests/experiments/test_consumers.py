"""Chapter 5's experiments, on the live cluster: direction or invariant, never a time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from labs.base.errors import LabsError
from labs.chapters.consumers import EXPERIMENTS
from labs.experiment.result import Result
from labs.kafka.local import LocalCluster
from labs.workload.group import Group
from tests.outcomes import came_true, measured, run_of


def run(cluster: LocalCluster, what: str, **settings: object) -> Result:
    result = run_of("consumers", cluster, what, **settings)
    assert result.report.counts.acknowledged > 0
    return result


def verdicts(result: Result) -> tuple[str, str]:
    """On the log, and on the processing."""
    assert result.processing is not None
    return result.report.verdict, result.processing.verdict


def test_none_of_them_breaks_a_broker() -> None:
    assert not any(experiment.breaks for experiment in EXPERIMENTS)


def test_a_member_beyond_the_partitions_idles(shared_cluster: LocalCluster) -> None:
    result = run(shared_cluster, "members", members=3, partitions=2)
    assert result.measurements["idle_members"] == 1
    assert measured(result, "with_2_members_records_per_s") > 1.3 * measured(
        result, "with_1_member_records_per_s"
    )
    assert result.report.verdict == "valid"


@pytest.mark.parametrize(
    ("when", "fate"),
    [
        ("auto", "twice"),
        ("auto_async", "never"),
        ("before", "never"),
        ("after", "twice"),
    ],
)
def test_when_it_commits_decides_what_a_crash_costs(
    shared_cluster: LocalCluster, when: str, fate: str
) -> None:
    result = run(shared_cluster, "commits", when=when)
    assert came_true(result) == fate
    assert result.report.verdict == "valid", "the log itself lost nothing, and has nothing twice"
    assert result.processing is not None
    assert result.processing.verdict == "violated"
    kind = "missed" if fate == "never" else "repeated"
    assert {offender.kind for offender in result.processing.offenders} == {kind}


def test_without_a_crash_even_the_worst_way_of_committing_is_right(
    shared_cluster: LocalCluster,
) -> None:
    result = run(shared_cluster, "commits", when="auto_async", crash=False, process_ms=5)
    assert verdicts(result) == ("valid", "valid")


def test_lag_grows_with_one_member_and_more_members_drain_it(
    shared_cluster: LocalCluster,
) -> None:
    result = run(shared_cluster, "lag")
    m = result.settings
    growth = int(m["rate"]) - measured(result, "one_member_at_most_records_per_s")
    # At least so much a second; the newest look may be some tenths of a second old.
    assert measured(result, "lag_with_one_member_records") > growth * (int(m["alone_s"]) - 1) > 50
    assert measured(result, "drained_after_ms") > 0
    assert verdicts(result) == ("valid", "valid")


@pytest.mark.parametrize("commit", [False, True])
def test_a_seek_moves_a_consumer_and_only_a_commit_the_group(
    shared_cluster: LocalCluster, commit: bool
) -> None:
    result = run(shared_cluster, "replay", commit=commit)
    place = measured(result, "committed_offset")
    assert measured(result, "read_again_records") > 0
    assert (100 < place < 300) if commit else place == 300
    began = result.measurements["next_member_began_at_offset"]
    assert began == (place if commit else None)
    assert verdicts(result) == ("valid", "valid")
    assert result.processing is not None
    assert result.processing.again >= measured(result, "read_again_records")
    assert result.processing.repeated == 0, "what was asked for violates nothing"


def test_with_auto_commit_the_group_goes_where_its_consumer_stood_at_its_close(
    shared_cluster: LocalCluster,
) -> None:
    result = run(shared_cluster, "replay", auto_commit=True)
    place = measured(result, "committed_offset")
    assert 100 < place < 300
    assert result.measurements["next_member_began_at_offset"] == place


def test_a_time_can_be_sought(shared_cluster: LocalCluster) -> None:
    result = run(shared_cluster, "replay", to="time")
    assert result.measurements["sought_offset"] == 150


@pytest.mark.parametrize(
    ("policy", "group", "read", "error"),
    [
        ("latest", "new", 50, None),
        ("earliest", "new", 250, None),
        ("none", "new", 0, "NoOffsetForPartitionError"),
        ("latest", "deleted", 50, None),
    ],
)
def test_where_a_group_without_a_place_begins(
    shared_cluster: LocalCluster, policy: str, group: str, read: int, error: str | None
) -> None:
    result = run(shared_cluster, "reset_policy", auto_offset_reset=policy, group=group)
    assert result.measurements["read_records"] == read
    assert result.measurements["error"] == error
    assert result.processing is not None
    if error:  # B found no place: whether it will ever process them, nobody can say
        assert (result.processing.verdict, result.processing.missed) == ("unknown", None)
        assert error in result.processing.why
    else:
        skipped = {"new": 200, "deleted": 100}[group] if policy == "latest" else 0
        assert result.processing.missed == skipped
    if group == "new":
        assert result.report.verdict == "valid", "the log is whole"
    else:
        assert result.report.counts.lost == 0, "deleted, which is not lost"


# -- the group's processes -------------------------------------------------------------------------


def test_a_member_that_dies_by_itself_is_told_in_a_sentence(shared_cluster: LocalCluster) -> None:
    group = Group(shared_cluster.bootstrap, "no-such-topic")
    member = group.add("A", options={"connections_max_idle_ms": 1})  # its client refuses that
    member.join()
    try:
        with pytest.raises(
            LabsError, match=r"member A of the group died: .*connections_max_idle_ms"
        ):
            for _ in range(300):
                group.owners()
                time.sleep(0.05)
    finally:
        group.close()


def test_no_member_outlives_its_parent(shared_cluster: LocalCluster, tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(
        "import sys, time\n"
        "from labs.workload.group import Group\n"
        "group = Group(sys.argv[1:], 'no-such-topic')\n"
        "member = group.add('A')\n"
        "while not member.first('ready'): time.sleep(0.02)\n"
        "member.join()\n"
        "print(member.pid, flush=True)\n"
        "time.sleep(60)\n",
        "utf-8",
    )
    command = [sys.executable, str(script), *shared_cluster.bootstrap]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 20
    while _lives(pid):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
