"""07.3: a work queue on a share group, which loses no task and gives up on poison.

Some tasks fail twice, and some always. One of two workers is killed with tasks in its hands, while
it waits for its slow reader: so what it has accepted before it was done is lost.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

from labs.base.clock import now
from labs.base.flights import flights
from labs.base.words import Words
from labs.chapters.groups.exercises import team
from labs.exercise.exercise import PROGRAM, Exercise
from labs.exercise.judging import Judging
from labs.exercise.places import Place, require_values, written
from labs.exercise.program import Program
from labs.exercise.verdict import CantTell, NotYet
from labs.kafka.admin import ask
from labs.kafka.features import SHARE_GROUPS
from labs.workload.topic import serving

PARTITIONS, WORKERS, TASKS = 2, 2, 400
#: How many tasks fail at first, how often, and how many always fail; deliveries by default.
FLAKY, FAILS, POISON, LIMIT = 6, 2, 3, 5
#: How many lines a second are read of each worker until the kill, when that comes, and how many
#: are read afterwards: a task that is tried without end must not flood us.
PACE, KILL_AFTER, PACE_AFTER = 60, (60, 120), 400
#: When all is done, a further try of a poison task would come within so long, s; while something is
#: not done, a worker may be silent for longer.
QUIET_S, SILENT_S = 2.0, 10.0

DONE, FAILED = "done", "failed"
#: Values that no JSON parser takes.
VALUES = (b"not json", b'{"carrier": "UA", ', b"\xff\xfe")


@dataclass(frozen=True)
class Tasks:
    """Where the tasks are: all of them, those that fail at first, and those that always fail."""

    every: frozenset[Place]
    flaky: frozenset[Place]
    poison: frozenset[Place]

    @property
    def due(self) -> frozenset[Place]:
        """Those that can be done."""
        return self.every - self.poison


def judge(judging: Judging) -> tuple[str, ...]:
    """Kill one of two workers, let both come to the end, and count tries."""
    if missing := SHARE_GROUPS.missing(judging.cluster):
        raise CantTell("no_share_groups", because=missing)
    topic = judging.topic(partitions=PARTITIONS)
    group = judging.group(topic)
    judging.set_group(group, share_auto_offset_reset="earliest")
    judging.set_group(group, share_heartbeat_interval_ms="1000", share_session_timeout_ms="6000")
    tasks = _produce(judging, topic)
    workers = [judging.program(PACE, topic=topic, group=group) for _ in range(WORKERS)]
    judging.say("starting", count=WORKERS)
    for worker in workers:
        worker.start()
    killed = _kill(judging, workers, group)
    _finish(judging, workers, tasks)
    tries = _tries(workers)
    _require_done(judging, tasks, tries, killed)
    done = [each for each in written(team.lines(workers)) if each.rest.startswith(DONE)]
    values = [replace(each, rest=each.rest.partition(" ")[2]) for each in done]
    require_values(judging.read(topic), values)
    return (
        judging.exercise.says("evidence", "all_done", count=len(tasks.due)),
        judging.exercise.says("evidence", "given_up", count=len(tasks.poison),
                              tries=max(tries[place, FAILED] for place in tasks.poison)),
    )  # fmt: skip


def _produce(judging: Judging, topic: str) -> Tasks:
    """Tasks in turn to each partition, each a batch of its own: so they are handed out singly."""
    places = [(number % PARTITIONS, number // PARTITIONS) for number in range(TASKS)]
    odd = judging.random.sample(places, FLAKY + POISON)
    flaky, poison = frozenset(odd[:FLAKY]), odd[FLAKY:]
    producer = judging.producer(acks="all", batch_size=0)
    futures = []
    for place, flight in zip(places, flights(TASKS), strict=True):
        value = flight.value
        if place in flaky:
            value = json.dumps({**json.loads(value), "fails": FAILS}).encode()
        elif place in poison:
            value = VALUES[poison.index(place)]
        futures.append(producer.send(topic, value, partition=place[0]))
    for place, future in zip(places, futures, strict=True):
        assert future.get(timeout=30).offset == place[1]
    return Tasks(frozenset(places), flaky, frozenset(poison))


def _kill(judging: Judging, workers: list[Program], group: str) -> str:
    """Kill the worker that has done more, and start it again; returns its last line."""
    enough = judging.random.randint(*KILL_AFTER)
    team.wait(workers, lambda: len(team.lines(workers)) >= enough, judging.patience_s)
    listed = ask(serving(judging.cluster), lambda client: client.list_groups())
    kinds = {found["group_id"]: str(found["group_type"]).lower() for found in listed}
    if kinds.get(group) != "share":
        raise NotYet("no_share_group", group=group, kind=kinds.get(group, "none"))
    victim = max(workers, key=lambda worker: len(worker.lines))
    victim.kill()
    last = victim.lines[-1].text
    judging.say("killed", line=" ".join(last.split(" ", 2)[:2]))
    victim.start()
    return last


def _finish(judging: Judging, workers: list[Program], tasks: Tasks) -> None:
    """Wait until every task is done that can be, and nothing more is tried; or until all is quiet.

    Raises:
        NotYet: one of them has ended; a task is tried again and again.
    """
    for worker in workers:
        worker.pace = PACE_AFTER
    began = now()

    def over() -> bool:
        tries = _tries(workers)
        _require_limit(judging, tasks, tries)
        last = max(began, max(line.time for line in team.lines(workers)))
        all_done = all(tries[place, DONE] for place in tasks.due)
        return now() - last > (QUIET_S if all_done else SILENT_S)

    team.wait(workers, over, judging.patience_s)
    for worker in workers:
        worker.stop()


def _tries(workers: list[Program]) -> Counter[tuple[Place, str]]:
    """How often each task was done, and how often it has failed.

    Raises:
        NotYet: a line has another form.
    """
    found: Counter[tuple[Place, str]] = Counter()
    for line in team.lines(workers):
        (each,) = written([line])
        how = each.rest.partition(" ")[0]
        if how not in (DONE, FAILED):
            raise NotYet("unreadable_line", line=line.text[:80])
        found[each.place, how] += 1
    return found


# -- what is asked of them -------------------------------------------------------------------------


def _require_limit(judging: Judging, tasks: Tasks, tries: Mapping[tuple[Place, str], int]) -> None:
    """No task goes round for ever."""
    for (place, how), count in tries.items():
        if place not in tasks.every:
            raise NotYet("sent_again", _said_of(judging, "more", place, count=len(tasks.every)))
        if how == FAILED and count > LIMIT:
            seen = _said_of(judging, "tried", place, count=count)
            raise NotYet("tried_for_ever", seen, limit=LIMIT)


def _require_done(
    judging: Judging, tasks: Tasks, tries: Mapping[tuple[Place, str], int], killed: str
) -> None:
    for place in sorted(tasks.poison):
        if tries[place, DONE]:
            raise NotYet("ignored_failure", _said_of(judging, "poison_done", place))
    for place in sorted(tasks.flaky):
        if tries[place, DONE] and not tries[place, FAILED]:
            seen = _said_of(judging, "too_soon", place, fails=FAILS)
            raise NotYet("ignored_failure", seen)
    left = sorted(place for place in tasks.due if not tries[place, DONE])
    untried = [place for place in left if not tries[place, FAILED]]
    if untried:
        seen = _said_of(judging, "untried", untried[0], count=len(untried))
        kill = judging.exercise.says("evidence", "kill", line=" ".join(killed.split(" ", 2)[:2]))
        raise NotYet("accepted_first", seen, kill)
    if left:
        seen = _said_of(judging, "failed", left[0], tries=tries[left[0], FAILED], fails=FAILS)
        raise NotYet("not_tried_again", seen)


def _said_of(judging: Judging, what: str, place: Place, **values: object) -> str:
    partition, offset = place
    return judging.exercise.says("evidence", what, partition=partition, offset=offset, **values)


EXERCISE = Exercise(
    "07.3", PROGRAM, Words(__file__), judge, minutes=15, contract=("TOPIC", "GROUP")
)
