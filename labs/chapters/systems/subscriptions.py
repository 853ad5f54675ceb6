"""Two readers of the same keyed events: who gets which, and in which order?

The same events, six ways: the four types of Pulsar's subscriptions, a consumer group of Kafka on
two partitions, and a share group on one. Each plane has two events, one right behind the other. The
first one takes long: whoever has the second one meanwhile, and is another reader, overtakes it.
"""

from __future__ import annotations

from collections.abc import Mapping

from labs.base.words import Words, listed
from labs.chapters.systems.beside import pulsar_client, pulsar_namespace
from labs.chapters.systems.ways import (
    DONE_S,
    GROUP,
    SHARE,
    WORKERS,
    Group,
    Share,
    Subscription,
    Way,
    finish,
    join,
)
from labs.experiment.experiment import Experiment
from labs.experiment.prediction import Options
from labs.experiment.result import Result
from labs.experiment.run import Run
from labs.experiment.settings import Choice
from labs.experiment.views import Lanes, Span
from labs.kafka.features import SHARE_GROUPS
from labs.workload import flight_payload

words = Words(__file__)

#: The types of Pulsar's subscriptions: as Pulsar calls each, by our name.
TYPES = {
    "pulsar_exclusive": "Exclusive",
    "pulsar_failover": "Failover",
    "pulsar_shared": "Shared",
    "pulsar_key_shared": "KeyShared",
}
KEY_SHARED = "pulsar_key_shared"
WAYS = (*TYPES, GROUP, SHARE)
PLANES = 12
PLANE, NONE = "plane", "none"
#: How long a plane's first event takes, and its second one, s.
LONG_S, SHORT_S = 0.12, 0.01


def _takes(number: int) -> tuple[float, str]:
    return (SHORT_S, "second_event") if number % 2 else (LONG_S, "first_event")


def _subscriptions(run: Run) -> None:
    run.say(words("subscriptions.says.starting"))
    pulsar_client(run)  # it is started
    place = f"persistent://{pulsar_namespace('subscriptions', {})}"
    run.make_topic(partitions=2, watch=False)
    beside: list[Share | Subscription] = [
        Subscription(run, _takes, True, f"{place}/{name}", name, kind)
        for name, kind in TYPES.items()
    ]
    beside.append(Share(run, _takes, singly=True))
    ways: list[Way] = [Group(run, _takes), *beside]
    join(run, ways, "subscriptions")
    count, flight = 2 * PLANES, flight_payload()

    def payload(number: int) -> tuple[bytes | None, bytes]:
        key = b"N%d" % (100 + number // 2) if run["key"] == PLANE else None
        return key, flight(number)[1]

    run.load(run.producer(acks="all"), 0, count, payload=payload).wait(DONE_S)
    for send in run.history.sends:
        for way in beside:
            way.put(send.value, send.key)
    finish(run, ways, count, "subscriptions")
    _tell(run, {way.name: way for way in ways})


def _overtaken(way: Way) -> list[int]:
    """The second events that were done before the first ones of their planes."""
    return [n for n in way.done if n % 2 and way.done[n].end < way.done[n - 1].end]


def _tell(run: Run, ways: dict[str, Way]) -> None:
    lanes: dict[str, list[Span]] = {}
    for name in WAYS:
        way = ways[name]
        run.measurements |= {
            f"{name}_readers": sum(bool(way.by[worker]) for worker in WORKERS),
            f"{name}_overtaken_events": len(early := _overtaken(way)),
        }
        for worker in WORKERS:
            lanes[f"{name}:{worker}"] = [
                Span(span.start, span.end, "overtook") if int(span.text) in early else span
                for span in way.by[worker]
            ]
    both = [words(f"subscriptions.ways.{name}") for name in _both_in_order(run.measurements)]
    id = "some" if both else "none"
    run.conclude(words(f"subscriptions.told.{id}", names=listed(both or [""])))
    title = words(f"subscriptions.title.{id}", names=listed(both or [""]))
    kinds = ("first_event", "second_event", "overtook")
    run.show(Lanes(title, lanes, kinds, names=words.under("shown")))


def _both_in_order(told: Mapping[str, object]) -> list[str]:
    """The ways in which both readers worked, and no event overtook another of its plane."""
    return [
        name
        for name in WAYS
        if told[f"{name}_readers"] == len(WORKERS) and told[f"{name}_overtaken_events"] == 0
    ]


_BY_KEY, _GROUP_ALONE, _ALL, _NOWHERE = "by_key", "group", "all", "nowhere"


def _where(result: Result) -> str | None:
    found = set(_both_in_order(result.measurements))
    if not found:
        return _NOWHERE
    known = {(GROUP, KEY_SHARED): _BY_KEY, (GROUP,): _GROUP_ALONE}
    if {GROUP, SHARE, KEY_SHARED} <= found:
        return _ALL
    return known.get(tuple(sorted(found)))


SUBSCRIPTIONS = Experiment(
    "systems.subscriptions",
    words,
    (Choice("key", (PLANE, NONE), PLANE, formerly={"the plane": PLANE}),),
    _subscriptions,
    Options((_BY_KEY, _GROUP_ALONE, _ALL, _NOWHERE), _where),
    breaks=False,
    needs={("key", key): SHARE_GROUPS for key in (PLANE, NONE)},
    about=(
        "pulsar_exclusive_readers",
        "pulsar_failover_readers",
        "pulsar_shared_overtaken_events",
        "share_group_overtaken_events",
        "pulsar_key_shared_readers",
        "kafka_group_readers",
    ),
)
