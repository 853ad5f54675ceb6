"""The cockpit: its story, its buttons, its thread. The cluster is a small model in memory."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from html import unescape
from typing import Any

import ipywidgets as w
import pytest

from labs.base.clock import now
from labs.base.errors import BadInput, LabsError
from labs.kafka.actions import ACTIONS
from labs.kafka.cluster import CONTROLLER_ID, Fault, Node, Role
from labs.notebook import cockpit as module
from labs.notebook.cockpit import Cockpit
from labs.observe import sampler
from labs.observe.chronicle import Chronicle
from labs.observe.snapshot import ClusterSnapshot, Partition
from tests.model_cluster import K, ModelCluster, R
from tests.widgets import all_in, find, hooks, hooks_in


class ModelObserver:
    def __init__(self, cluster: ModelCluster) -> None:
        self.cluster = cluster

    def snapshot(self, topics: object) -> ClusterSnapshot:
        return self.cluster.seen()

    def close(self) -> None:
        pass


def cockpit_of(cluster: Any) -> Cockpit:  # any: the model has only a part of the protocol
    return Cockpit(cluster)


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> ModelCluster:
    monkeypatch.setattr(sampler, "Observer", ModelObserver)
    monkeypatch.setattr(module, "SLOW_S", 0.05)
    monkeypatch.setattr(module, "FAST_S", 0.01)
    return ModelCluster()


@pytest.fixture
def cockpit(cluster: ModelCluster) -> Iterator[Cockpit]:
    cockpit = cockpit_of(cluster)
    yield cockpit
    cockpit.close()
    assert cockpit.failure is None


def wait(until: Callable[[], Any], what: str, seconds: float = 5.0) -> None:
    deadline = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < deadline, what
        time.sleep(0.005)


def status(cockpit: Cockpit) -> str:
    return unescape(re.sub("<[^>]+>", "", find(cockpit.widget, "t-status").value))


def told(cockpit: Cockpit) -> list[str]:
    return [event.text for event in cockpit.chronicle.events]


def enabled(cockpit: Cockpit, broker: int) -> set[str]:
    buttons = {action: find(cockpit.widget, f"t-{action}-{broker}") for action in ACTIONS}
    return {a for a, b in buttons.items() if not b.disabled and b.layout.display != "none"}


# --- the story ------------------------------------------------------------------------------------


def shot(when: float, leader: int | None, isr: tuple[int, ...], count: int = 1) -> ClusterSnapshot:
    nodes = tuple(Node(i, Role.BROKER, R, 1, 1, "") for i in (1, 2, 3))
    parts = tuple(Partition("flights", i, leader, 0, (1, 2, 3), isr) for i in range(count))
    return ClusterSnapshot(when, nodes, parts, answered_by=2)


def story(*seen: tuple[list[Fault], ClusterSnapshot]) -> list[str]:
    chronicle = Chronicle()
    for faults, snapshot in seen:
        chronicle.observe(faults, snapshot)
    return [event.text for event in chronicle.events]


def test_a_move_is_measured_from_the_fault_on_the_old_leader() -> None:
    faults = [Fault(100.0, "pause", 3), Fault(101.0, "kill", 1), Fault(102.0, "pause", 2)]
    before = shot(99.0, 1, (1, 2, 3))
    assert story(([], before), (faults, shot(104.25, 3, (3,)))) == [
        "broker 3 was paused",
        "broker 1 was killed",
        "broker 2 was paused",
        "broker 3 leads flights-0, 3,250 ms after broker 1 was killed",
        "broker 1 left the ISR of flights-0, 3,250 ms after it was killed",
        "broker 2 left the ISR of flights-0, 2,250 ms after it was paused",
    ]


def test_a_move_without_a_fault_has_no_measurement() -> None:
    assert story(([], shot(1.0, 1, (1, 2))), ([], shot(2.0, 2, (1, 2)))) == [
        "broker 2 leads flights-0"
    ]


def test_what_a_fault_cannot_have_caused_is_not_measured_from_it() -> None:
    # A broker that starts again is first put out of the ISR: not because it was started.
    started = [Fault(10.0, "start", 1)]
    assert story(([], shot(9.0, 2, (1, 2))), (started, shot(11.0, 2, (2,)))) == [
        "broker 1 was started",
        "broker 1 left the ISR of flights-0",
    ]


def test_the_past_is_not_told() -> None:
    assert story(([Fault(1.0, "kill", 1)], shot(5.0, 2, (2, 3)))) == []


def test_a_wiped_record_begins_anew() -> None:
    old = [Fault(1.0, "kill", 1), Fault(2.0, "start", 1)]
    quiet = shot(5.0, 2, (2, 3))
    new = [Fault(9.0, "pause", 3)]
    assert story((old, quiet), (new, quiet)) == ["broker 3 was paused"]


def test_a_partition_without_leader_and_its_return() -> None:
    fault = [Fault(10.0, "kill", 1)]
    back = [*fault, Fault(20.0, "start", 1)]
    texts = story(
        ([], shot(9.0, 1, (1,))),
        (fault, shot(13.0, None, (1,))),
        (fault, shot(14.0, None, (1,))),
        (back, shot(22.0, 1, (1,))),
    )
    assert texts == [
        "broker 1 was killed",
        "no broker leads flights-0, 3,000 ms after broker 1 was killed",
        "broker 1 was started",
        "broker 1 leads flights-0, 2,000 ms after it was started",
    ]


def test_many_partitions_make_one_line() -> None:
    texts = story(([], shot(1.0, 1, (1, 2), 12)), ([], shot(2.0, 2, (1, 2), 12)))
    assert texts == ["broker 2 leads flights-0 and 11 more"]


def test_other_faults_are_told_and_cause_nothing() -> None:
    faults = [Fault(1.5, "configure", 1, "{'a': 'b'}"), Fault(1.6, "reset", None)]
    texts = story(([], shot(1.0, 1, (1, 2))), (faults, shot(2.0, 2, (1, 2))))
    assert texts == [
        "broker 1 was configured ({'a': 'b'})",
        "the cluster was reset",
        "broker 2 leads flights-0",
    ]


def test_an_announced_fault_is_told_once_and_takes_the_clusters_time() -> None:
    chronicle = Chronicle()
    chronicle.observe([], shot(now(), 1, (1, 2)))
    begun = chronicle.announce("stop", 1)
    chronicle.observe([], shot(begun.time + 1, 2, (2,)))
    recorded = Fault(begun.time + 0.5, "stop", 1)
    chronicle.observe([recorded], shot(begun.time + 2, 2, (2,)))
    assert [e.text for e in chronicle.events] == [
        "broker 1 was stopped",
        "broker 2 leads flights-0, 1,000 ms after broker 1 was stopped",
        "broker 1 left the ISR of flights-0, 1,000 ms after it was stopped",
    ]
    assert chronicle.events[0].time == recorded.time


@pytest.mark.parametrize(
    ("action", "isr", "later", "awaiting"),
    [
        ("kill", (1, 2), 1.0, True),  # dead, yet counted
        ("kill", (2,), 1.0, False),
        ("kill", (1, 2), 40.0, False),  # it won't come any more
        ("start", (2,), 1.0, True),  # not caught up
        ("start", (1, 2), 1.0, False),
        ("configure", (2,), 1.0, False),
    ],
)
def test_what_is_awaited(action: str, isr: tuple[int, ...], later: float, awaiting: bool) -> None:
    chronicle = Chronicle()
    chronicle.observe([], shot(9.0, 2, (1, 2)))
    chronicle.observe([Fault(10.0, action, 1)], shot(10.0, 2, (1, 2)))
    assert chronicle.awaiting(shot(10.0 + later, 2, isr)) is awaiting


# --- the cockpit ----------------------------------------------------------------------------------


def test_killing_the_leader_is_shown_and_measured(cockpit: Cockpit, cluster: ModelCluster) -> None:
    cockpit.refresh()
    cockpit.run("kill", 1)
    assert re.fullmatch(r"Broker 1 was killed \(that took \d+ ms\)\.", status(cockpit))
    wait(lambda: any("leads" in t for t in told(cockpit)), "no leader move was told")
    (line,) = [t for t in told(cockpit) if "leads" in t]
    measured = re.fullmatch(
        r"broker 2 leads flights-0, ([\d,]+) ms after broker 1 was killed", line
    )
    assert measured
    assert 300 <= int(measured[1].replace(",", "")) < 600  # the model elects after 300 ms
    wait(
        lambda: "led by broker 2" in find(cockpit.widget, "t-picture").value,
        "the picture stands still",
    )
    assert "was killed" in find(cockpit.widget, "t-log").value


def test_a_fault_from_elsewhere_is_told_too(cockpit: Cockpit, cluster: ModelCluster) -> None:
    cockpit.refresh()
    cluster.pause(3)
    wait(lambda: "broker 3 was paused" in told(cockpit), "not told")
    assert told(cockpit).count("broker 3 was paused") == 1


def test_only_what_makes_sense_can_be_pressed(cockpit: Cockpit, cluster: ModelCluster) -> None:
    cockpit.refresh()
    assert enabled(cockpit, 1) == {"kill", "pause", "stop"}
    for fault, left in (
        ("pause", {"kill", "resume"}),
        ("resume", {"kill", "pause", "stop"}),
        ("kill", {"start"}),
        ("start", {"kill", "pause", "stop"}),
        ("stop", {"start"}),
    ):
        cockpit.run(fault, 1)
        cockpit.refresh()
        assert enabled(cockpit, 1) == left, fault
        assert enabled(cockpit, 2) == {"kill", "pause", "stop"}


def test_a_click_answers_at_once_and_works_elsewhere(
    cockpit: Cockpit, cluster: ModelCluster
) -> None:
    cockpit.refresh()
    cluster.action_s = 0.5
    began = time.monotonic()
    find(cockpit.widget, "t-kill-2").click()
    assert time.monotonic() - began < 0.2
    assert status(cockpit) == "killing broker 2 …"
    wait(lambda: cluster.begun == [("kill", 2)], "the click did nothing")
    cockpit.refresh()  # a new look does not wake the buttons
    assert enabled(cockpit, 2) == set()
    assert enabled(cockpit, 1) == {"kill", "pause", "stop"}
    assert cluster.states[2] is R  # still at it
    wait(lambda: cluster.states[2] is K, "the click did nothing")
    wait(lambda: "was killed" in status(cockpit), "and said nothing")
    wait(lambda: enabled(cockpit, 2) == {"start"}, "and left the buttons as they were")


def test_an_error_is_a_sentence_and_raised(cockpit: Cockpit, cluster: ModelCluster) -> None:
    cockpit.refresh()
    with pytest.raises(LabsError, match="can't resume"):
        cockpit.run("resume", 1)
    assert status(cockpit) == "⚠ broker 1 can't resume; look first."
    assert 'role="alert"' in find(cockpit.widget, "t-status").value
    assert told(cockpit) == []  # it did not happen
    cockpit.refresh()
    assert enabled(cockpit, 1) == {"kill", "pause", "stop"}


def test_an_error_after_a_click_raises_nowhere(
    cockpit: Cockpit, cluster: ModelCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    escaped: list[Any] = []
    monkeypatch.setattr(threading, "excepthook", escaped.append)
    cockpit.refresh()
    find(cockpit.widget, "t-start-1").click()
    wait(lambda: "can't start" in status(cockpit), "no sentence")
    assert escaped == []
    wait(lambda: enabled(cockpit, 1) == {"kill", "pause", "stop"}, "its buttons stay grey")


def test_a_bug_after_a_click_is_loud(
    cockpit: Cockpit, cluster: ModelCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    escaped: list[Any] = []
    monkeypatch.setattr(threading, "excepthook", escaped.append)
    monkeypatch.setattr(cluster, "kill", lambda node: 1 / 0)
    cockpit.refresh()
    find(cockpit.widget, "t-kill-1").click()
    wait(lambda: escaped, "swallowed")
    assert escaped[0].exc_type is ZeroDivisionError
    assert "A bug in the cockpit" in status(cockpit)


def test_unknown_actions_are_refused(cockpit: Cockpit) -> None:
    with pytest.raises(BadInput, match="no action 'explode'"):
        cockpit.run("explode", 1)


def test_mend_makes_every_node_run(cockpit: Cockpit, cluster: ModelCluster) -> None:
    for action, node in (("kill", 1), ("pause", 2), ("stop", 3), ("kill", CONTROLLER_ID)):
        cockpit.run(action, node)
    cockpit.mend()
    assert set(cluster.states.values()) == {R}
    assert status(cockpit) == "Every node runs."


def test_two_who_mend_at_once_do_not_fail(
    cockpit: Cockpit, cluster: ModelCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    for node in (1, 2):
        cockpit.run("kill", node)
    ours, start = threading.current_thread(), cluster.start_broker

    def overtaken(node: int) -> None:
        if threading.current_thread() is ours:  # the button was faster than the cell
            start(node)
        start(node)

    monkeypatch.setattr(cluster, "start_broker", overtaken)
    cockpit.mend()
    assert set(cluster.states.values()) == {R}
    assert status(cockpit) == "Every node runs."


def test_it_waits_for_a_leader_that_lives(cockpit: Cockpit, cluster: ModelCluster) -> None:
    assert cockpit.wait_for_leader("flights") == 1
    cockpit.run("kill", 1)  # pressed a moment ago: Kafka still names the dead one
    assert cockpit.wait_for_leader("flights") == 2
    assert not cluster.seen().running(1)


def test_it_waits_for_a_full_isr(cockpit: Cockpit, cluster: ModelCluster) -> None:
    cockpit.run("kill", 1)
    cockpit.wait_for_leader("flights")
    starting = threading.Timer(0.1, cluster.start_broker, [1])
    starting.start()
    cockpit.wait_for_full_isr("flights")
    starting.join()
    assert cluster.isr == [1, 2, 3]


def test_it_does_not_wait_where_nobody_can_come_to_lead(
    cockpit: Cockpit, cluster: ModelCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "AWAIT_S", 0.1)
    with pytest.raises(LabsError, match="no broker that runs leads nowhere-0; press"):
        cockpit.wait_for_leader("nowhere")
    monkeypatch.setattr(module, "AWAIT_S", 60.0)
    for broker in (1, 2, 3):
        cockpit.run("kill", broker)
    with pytest.raises(LabsError, match="no broker that runs leads flights-0"):
        cockpit.wait_for_leader("flights")


def test_trouble_is_told_once_and_its_end_too(cockpit: Cockpit, cluster: ModelCluster) -> None:
    cockpit.refresh()
    cluster.trouble = LabsError("the state file is gone", hint="run `labs up`")
    wait(lambda: "the state file is gone" in status(cockpit), "not told")
    cluster.trouble = None
    wait(lambda: status(cockpit) == "The cluster is back in sight.", "not told")


def test_a_bug_in_the_thread_is_kept(
    cockpit: Cockpit, cluster: ModelCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    escaped: list[Any] = []
    monkeypatch.setattr(threading, "excepthook", escaped.append)
    cockpit.refresh()
    cluster.trouble = ZeroDivisionError("bug")
    wait(lambda: escaped, "swallowed")
    assert isinstance(cockpit.failure, ZeroDivisionError)
    cockpit.failure = None


def test_only_changes_are_sent(cockpit: Cockpit, cluster: ModelCluster) -> None:
    cockpit.refresh()
    sent: list[str] = []
    find(cockpit.widget, "t-picture").observe(lambda change: sent.append(change.new), "value")
    looks = cluster.looks
    wait(lambda: cluster.looks > looks + 4, "it does not look")
    assert sent == []


def test_nothing_looks_before_it_is_shown(cluster: ModelCluster) -> None:
    cockpit_of(cluster)
    time.sleep(0.2)
    assert cluster.looks == 0


def test_it_rests_and_a_press_wakes_it(
    cockpit: Cockpit, cluster: ModelCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "REST_AFTER_S", 0.2)
    cockpit.refresh()
    wait(lambda: "Resting" in status(cockpit), "it never rests")
    looks = cluster.looks
    time.sleep(0.2)
    assert cluster.looks == looks
    monkeypatch.setattr(module, "REST_AFTER_S", 60.0)
    cockpit.refresh()
    wait(lambda: cluster.looks > looks + 3, "it sleeps on")
    assert "Resting" not in status(cockpit)


def test_it_looks_faster_while_an_election_is_awaited(
    cockpit: Cockpit, cluster: ModelCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SLOW_S", 10.0)
    cluster.election_s = 0.2
    cockpit.refresh()
    cockpit.run("kill", 1)
    wait(lambda: any("leads" in t for t in told(cockpit)), "it looked too slowly", 2.0)


def test_closing_ends_the_thread(cockpit: Cockpit, cluster: ModelCluster) -> None:
    before = set(threading.enumerate())
    cockpit.refresh()
    (thread,) = set(threading.enumerate()) - before
    assert thread.daemon
    cockpit.close()
    assert not thread.is_alive()


def test_a_static_page_gets_a_picture_and_a_sentence(cockpit: Cockpit) -> None:
    bundle = cockpit._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert bundle["image/svg+xml"].startswith("<svg")
    assert bundle["text/plain"] == "flights-0 is led by broker 1; brokers 2 and 3 are in sync"


def test_a_display_without_a_cluster_is_no_traceback(
    cockpit: Cockpit, cluster: ModelCluster
) -> None:
    cluster.trouble = LabsError("the cluster is not up")
    bundle = cockpit._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert "not up" in status(cockpit)


def test_hooks_for_browser_tests(cockpit: Cockpit) -> None:
    cockpit.refresh()
    assert "t-cockpit" in hooks(cockpit.widget)
    assert {f"t-{name}-3" for name in ACTIONS} <= hooks_in(cockpit.widget)


def test_somebody_elses_kafka_has_no_buttons(cluster: ModelCluster) -> None:
    cluster.can_break = False
    cockpit = cockpit_of(cluster)
    cockpit.refresh()
    buttons = [found for found in all_in(cockpit.widget) if isinstance(found, w.Button)]
    assert [button.description for button in buttons] == ["Refresh"]
    cockpit.close()


def test_a_new_broker_gets_buttons(cockpit: Cockpit, cluster: ModelCluster) -> None:
    cockpit.refresh()
    cluster.states[4] = R
    cockpit.refresh()
    kills = {hook for hook in hooks_in(cockpit.widget) if hook.startswith("t-kill-")}
    assert kills == {f"t-kill-{broker}" for broker in (1, 2, 3, 4)}
