"""The most important thing about a cluster, in one sentence."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from labs.base.words import Words
from labs.charts.topology.spelling import begun, brokers, listed, nodes, numbers, partitions
from labs.kafka.cluster import State
from labs.observe.snapshot import ClusterSnapshot

words = Words(__file__)


class Sentence(NamedTuple):
    """What there is to say, by the id of its sentence, and the values in it."""

    id: str
    values: dict[str, object] = {}  # noqa: RUF012 - never changed


def headline(snapshot: ClusterSnapshot) -> str:
    """The most important thing about the snapshot, in one sentence."""
    found = finding(snapshot)
    told = words(f"headline.{found.id}", **found.values)
    down = [n for n in snapshot.brokers if n.state is not State.RUNNING]
    if down and found.id in ("all_in_sync", "only_replica", "in_sync"):
        told = words("also.down", finding=told, nodes=nodes(down))
    dead = [n for n in snapshot.controllers if n.state is not State.RUNNING]
    if snapshot.reachable and dead and len(dead) == len(snapshot.controllers):
        state = words(f"state.{dead[0].state}")
        told = words("also.no_controller", finding=told, state=state)
    return told


def finding(snapshot: ClusterSnapshot) -> Sentence:
    """The first that is so, the most urgent first."""
    if not snapshot.brokers:
        return Sentence("no_broker")
    if not snapshot.reachable:
        return Sentence("no_answer", {"nodes": nodes(snapshot.brokers)})
    finders = (_leaderless, _silent_leader, _silent_in_isr, _out_of_sync, _no_topic)
    found = (find(snapshot) for find in finders)
    return next((one for one in found if one is not None), None) or _in_sync(snapshot)


def _leaderless(s: ClusterSnapshot) -> Sentence | None:
    lost = [p for p in s.partitions if p.leader is None]
    if not lost:
        return None
    said = {"count": len(lost), "partitions": partitions(lost)}
    heirs = lost[0].elr or lost[0].isr
    if len(lost) == 1 and heirs:
        return Sentence("leaderless_until", {**said, "heirs": numbers(heirs, "or")})
    return Sentence("leaderless", said)


def _silent_leader(s: ClusterSnapshot) -> Sentence | None:
    silent = [p for p in s.partitions if p.leader is not None and not s.running(p.leader)]
    if not silent:
        return None
    said: dict[str, object] = {"count": len(silent), "partitions": partitions(silent)}
    leaders = {p.leader for p in silent if p.leader is not None}
    if len(leaders) > 1:
        return Sentence("silent_leaders", said)
    (leader,) = leaders
    node = s.node(leader)
    state = words(f"state.{node.state if node else 'gone'}")
    return Sentence("silent_leader", {**said, "leader": leader, "state": state})


def _silent_in_isr(s: ClusterSnapshot) -> Sentence | None:
    silent = sorted({b for p in s.partitions for b in p.isr if not s.running(b)})
    if not silent:
        return None
    counted = [p for p in s.partitions if set(p.isr) & set(silent)]
    who = begun(nodes(n for n in s.brokers if n.id in silent))
    said = {"count": len(silent), "nodes": who, "partitions": partitions(counted)}
    return Sentence("silent_in_isr", said)


def _out_of_sync(s: ClusterSnapshot) -> Sentence | None:
    behind = [p for p in s.partitions if p.out_of_sync]
    if not behind:
        return None
    out = sorted({b for p in behind for b in p.out_of_sync})
    said: dict[str, object] = {"count": len(out), "brokers": brokers(out)}
    if len(s.partitions) == 1:
        (only,) = behind
        return Sentence("out_of_one", {**said, "partition": only.name, "leader": only.leader})
    said |= {"behind": len(behind), "all": len(s.partitions)}
    share = "all" if len(behind) == len(s.partitions) else "some"
    if any(set(p.out_of_sync) != set(out) for p in behind):
        return Sentence(f"{share}_lack_a_replica", said)
    return Sentence(f"out_of_{share}", {**said, "brokers": begun(brokers(out))})


def _no_topic(s: ClusterSnapshot) -> Sentence | None:
    return None if s.partitions else Sentence("no_topic", {"nodes": begun(nodes(s.brokers))})


def _in_sync(s: ClusterSnapshot) -> Sentence:
    if len(s.partitions) > 1:
        return Sentence("all_in_sync", {"all": len(s.partitions), "leading": _leading(s)})
    (only,) = s.partitions
    followers = [b for b in only.isr if b != only.leader]
    said: dict[str, object] = {"partition": only.name, "leader": only.leader}
    if not followers:
        return Sentence("only_replica", said)
    return Sentence("in_sync", {**said, "count": len(followers), "brokers": brokers(followers)})


def _leading(s: ClusterSnapshot) -> str:
    """How many partitions each broker leads."""
    leads = Counter(p.leader for p in s.partitions if p.leader is not None)
    if len(leads) == len(s.brokers) and len(set(leads.values())) == 1:
        return words("leading.each", count=leads.popitem()[1])
    told = [words("leading.one", broker=b, count=n) for b, n in sorted(leads.items())]
    return listed(told)
