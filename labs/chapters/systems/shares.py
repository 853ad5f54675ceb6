"""Two workers share twenty tasks, and one task is slow: who waits behind it?

The same twenty records, four ways: a consumer group and a share group of Kafka, a queue of
RabbitMQ, a shared subscription of Pulsar. In each, two workers acknowledge task by task.
"""

from __future__ import annotations

from labs.base.words import Words, listed
from labs.chapters.systems.beside import pulsar_client, pulsar_namespace, rabbitmq_for
from labs.chapters.systems.ways import (
    DONE_S,
    GROUP,
    MANY,
    QUEUE,
    SHARE,
    SHARED,
    WORKERS,
    Group,
    Queue,
    Share,
    Subscription,
    Way,
    finish,
    join,
)
from labs.experiment.experiment import Experiment
from labs.experiment.filling import evenly
from labs.experiment.prediction import Options
from labs.experiment.result import Result
from labs.experiment.run import Run
from labs.experiment.settings import Choice, Number
from labs.experiment.views import Lanes
from labs.kafka.features import SHARE_GROUPS

words = Words(__file__)

TASKS, SLOW_TASK, QUICK_S = MANY, 4, 0.05
WAYS = (GROUP, SHARE, QUEUE, SHARED)
ONE_AHEAD, MANY_AHEAD = "one", "many"
#: More tasks than that behind the slow one did not come late by chance.
BY_CHANCE = 2


def _waited(way: Way) -> int:
    """How many tasks were done only after the slow one."""
    slow = way.done[SLOW_TASK].end
    return sum(span.end > slow for span in way.done.values())


def _shares(run: Run) -> None:
    run.say(words("shares.says.starting"))
    rabbit, without = rabbitmq_for(run)
    singly = run["ahead"] == ONE_AHEAD

    def takes(number: int) -> tuple[float, str]:
        return (run["slow_s"], "slow") if number == SLOW_TASK else (QUICK_S, "quick")

    pulsar_client(run)  # it is started
    topic = f"persistent://{pulsar_namespace('shares', {})}/tasks"
    beside: list[Share | Queue | Subscription] = [Subscription(run, takes, singly, topic)]
    if rabbit:
        beside.insert(0, Queue(run, takes, singly, rabbit))
    run.make_topic(partitions=2, watch=False)
    beside.insert(0, Share(run, takes, singly))
    ways: list[Way] = [Group(run, takes), *beside]
    join(run, ways, "shares")
    producer, payload = evenly(run)
    run.load(producer, 0, TASKS, payload=payload).wait(DONE_S)
    for send in run.history.sends:
        for way in beside:
            way.put(send.value)
    finish(run, ways, TASKS, "shares")
    _tell(run, ways, without)


def _tell(run: Run, ways: list[Way], without: str) -> None:
    waited = {way.name: _waited(way) for way in ways}
    behind = [words(f"shares.ways.{name}") for name in waited if waited[name] > BY_CHANCE]
    run.measurements |= {f"{name}_waited_tasks": count for name, count in waited.items()}
    id = "some" if behind else "none"
    which = "all" if QUEUE in waited else "without"
    told = {"names": listed(behind), "without": without}
    run.conclude(words(f"shares.told.{which}.{id}", **told, **run.values))
    title = words(f"shares.title.{id}", names=listed(behind), **run.values)
    lanes = {f"{w.name}:{worker}": w.by[worker] for w in ways for worker in WORKERS}
    run.show(Lanes(title, lanes, ("quick", "slow"), names=words.under("shown")))


_GROUP_ALONE, _NONE, _QUEUES, _ALL = "group", "none", "queues", "all"


def _who(result: Result) -> str | None:
    told = result.measurements
    asked = [name for name in WAYS if f"{name}_waited_tasks" in told]
    behind = {name for name in asked if int(told[f"{name}_waited_tasks"] or 0) > BY_CHANCE}
    if behind == set(asked):
        return _ALL
    if behind == {GROUP}:
        return _GROUP_ALONE
    if not behind:
        return _NONE
    return _QUEUES if GROUP not in behind else None


SHARES = Experiment(
    "systems.shares",
    words,
    (
        Choice("ahead", (ONE_AHEAD, MANY_AHEAD), ONE_AHEAD),
        Number("slow_s", 2, 6, 3, "s"),
    ),
    _shares,
    Options((_GROUP_ALONE, _NONE, _QUEUES, _ALL), _who),
    breaks=False,
    needs={("ahead", ahead): SHARE_GROUPS for ahead in (ONE_AHEAD, MANY_AHEAD)},
    about=tuple(f"{name}_waited_tasks" for name in WAYS),
)
