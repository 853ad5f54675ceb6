"""A consumer group in a run: have members join, wait for them, judge them, configure them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping

from kafka.errors import KafkaError

from labs.base.errors import BadInput, LabsError
from labs.base.words import Words, listed
from labs.experiment.run import Run
from labs.kafka.admin import admin, set_group_config
from labs.workload import set_here
from labs.workload.consumers import KAFKA_PYTHON
from labs.workload.group import Group
from labs.workload.history import Read
from labs.workload.judgements import Processing
from labs.workload.member import Member
from labs.workload.topic import serving

words = Words(__file__)

#: A join takes a second or two; one that takes longer than this has gone wrong, s.
JOIN_S = 25.0
DRAIN_S = 20.0

#: The least session timeout that a broker allows (group.min.session.timeout.ms), ms.
SESSION_MS = 6000

NAMES = "ABCDEFGH"


def group_of(run: Run, client: str = KAFKA_PYTHON) -> Group:
    """An empty group on the run's topic; its processes end with the run, and Kafka forgets it."""
    group = Group(run.cluster.bootstrap, run.topic, client, note=run.note)
    run.closing(lambda: _forget(run, group))
    run.closing(group.close)
    return group


def _forget(run: Run, group: Group) -> None:
    """A killed member keeps its group alive for a while; then the next reset deletes it."""
    with contextlib.suppress(LabsError, KafkaError), admin(run.cluster.bootstrap) as client:
        client.delete_groups([group.name])


def join(run: Run, group: Group, *members: Member) -> dict[int, str]:
    """Have members join, and wait until the group has assigned its partitions."""
    run.say(words("says.joining", names=listed([member.name for member in members])))
    for member in members:
        member.join()
    return shared_out(run, group)


def shared_out(run: Run, group: Group) -> dict[int, str]:
    """Wait until every partition has an owner, and every member its share, if there are enough."""

    def done() -> dict[int, str] | None:
        owners = group.owners()
        present = [m for m in group.members.values() if m.joined and not m.gone]
        heard = all(member.first("assigned") for member in present)
        shared = len(set(owners.values())) == min(len(present), run.partitions)
        return owners if heard and shared and len(owners) == run.partitions else None

    return run.wait(done, words("awaited.assigned", group=group.name), JOIN_S)


def processed(reads: Iterable[Read]) -> int:
    """How many different records were processed."""
    return len({read.number for read in reads})


def drain(run: Run, group: Group, timeout_s: float = DRAIN_S) -> None:
    """Wait until the group has processed the log to its ends; not longer than `timeout_s`.

    Whether it has is asked again by `judge`, against the log as it was read back.
    """
    run.say(words("says.draining"))
    ends = run.log_ends()
    with contextlib.suppress(LabsError):
        run.wait(lambda: not group.behind(ends), words("awaited.drained"), timeout_s)


def judge(run: Run, group: Group, asked_from: float | None = None) -> Processing:
    """Judge what the group did; *unknown* if it did not come to the log's end.

    `asked_from`: from then on the learner had records read again, by a seek.
    """
    run.verdict()
    ends = run.log.ends if run.log else {}
    return run.judge_processing(group.reads, group.behind(ends), asked_from)


def places(run: Run, group: Group) -> dict[int, int]:
    """Partition → the offset that the group has committed."""
    asked = {group.name: None}
    found = run.ask(lambda c: c.list_group_offsets(asked))[group.name]
    return {p.partition: place.offset for p, place in found.items() if place.offset >= 0}


def configure(run: Run, group: Group, settings: Mapping[str, str]) -> None:
    """Set something for this group alone (KIP-848 groups keep their clocks on the broker).

    Raises:
        LabsError: the brokers do not allow it.
    """
    run.note(set_here.group(settings))
    try:
        set_group_config(serving(run.cluster), group.name, settings)
    except BadInput:
        raise LabsError(
            words("refused.too_low", settings=", ".join(settings)),
            hint=words("refused.too_low_hint"),
        ) from None
    run.closing(lambda: _unset(run, group, settings))


def _unset(run: Run, group: Group, settings: Mapping[str, str]) -> None:
    with contextlib.suppress(LabsError):
        set_group_config(serving(run.cluster), group.name, dict.fromkeys(settings))
