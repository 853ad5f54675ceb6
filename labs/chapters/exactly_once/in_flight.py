"""Five requests in flight, and the first ones refused: what happens to the order?

A broker handles the requests of one connection in turn. If it refuses the first ones and takes
those behind them, the client sends the refused ones again, behind what they stood before. Without
idempotence that is how retries change the order (Kafka's documentation of the producer's
`max.in.flight.requests.per.connection`). With it, the leader refuses a batch that comes out of turn
(OUT_OF_ORDER_SEQUENCE_NUMBER, KIP-98), and the client sends that again, too.

The refusal is NOT_ENOUGH_REPLICAS, as while a broker restarts: one follower is down, and the
topic's `min.insync.replicas` is raised above what is in sync, then lowered while the client
retries. The lowering nearly always falls between two of the requests that are in flight; there are
several rounds, so that it does in some.

The client is librdkafka, which has many requests in flight to a partition, with idempotence up to
five. kafka-python with idempotence sends one batch at a time, and would show nothing of five.
Without idempotence, one request in flight does not keep librdkafka in order either: the next one is
made meanwhile (`queue.buffering.backpressure.threshold`), and goes out before the refused one is
sent again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from confluent_kafka import Producer

from labs.base.errors import LabsError
from labs.base.words import Words
from labs.chapters.exactly_once.log_picture import log_of, numbered
from labs.experiment.experiment import Experiment
from labs.experiment.native import native_producer, poll_until, produce
from labs.experiment.prediction import Options
from labs.experiment.result import Result
from labs.experiment.run import Run
from labs.experiment.settings import Number, Switch
from labs.experiment.views import Bars
from labs.workload import flight_payload
from labs.workload.history import Outcome, Read, Send

words = Words(__file__)

#: What is refused is sent again after so long, ms (by default 100, growing to 1,000): the sooner,
#: the more of the time there are requests in flight.
BACKOFF_MS = 5
#: How often librdkafka reports what is in flight, ms.
LOOK_MS = 10
#: For so long all requests of a round are refused, s.
REFUSED_S = 0.15
ANSWER_TIMEOUT_S = 30.0

#: `min.insync.replicas` while two replicas are in sync. At 1 the follower leaves no ELR:
#: tests/upstream/elr_cleared.md.
TAKEN, REFUSED = "1", "3"


class _Looks:
    """How many records were in flight to the leader, by librdkafka's own statistics.

    Each request carries one record, so that `waitresp_msg_cnt` (records in requests that were sent
    and not answered; STATISTICS.md) counts produce requests, and nothing else.
    """

    def __init__(self, leader: int) -> None:
        self.counts: Counter[int] = Counter()
        self._leader = leader

    def look(self, told: Mapping[str, Any]) -> None:
        """One look."""
        for broker in told["brokers"].values():
            if broker["nodeid"] == self._leader:
                self.counts[broker["waitresp_msg_cnt"]] += 1


def _in_flight(run: Run) -> None:
    run.make_topic(config={"min.insync.replicas": TAKEN})
    looks, follower = _Looks(run.leader()), run.followers()[0]
    producer = native_producer(
        run,
        looks.look,
        acks="all",
        enable_idempotence=run["idempotence"],
        max_in_flight_requests_per_connection=run["max_in_flight"],
        batch_num_messages=1,
        linger_ms=0,
        retry_backoff_ms=BACKOFF_MS,
        retry_backoff_max_ms=BACKOFF_MS,
        statistics_interval_ms=LOOK_MS,
    )
    run.fault("stop", follower)
    run.wait(lambda: len(run.partition().isr) == 2, words("in_flight.awaited.two_in_sync"))
    # The leader must know the producer: of one that it has never heard of it takes any sequence
    # number as the first (Kafka's ProducerAppendInfo.checkSequence).
    _answered(producer, _burst(run, producer))
    rounds = []
    for number in range(1, run["rounds"] + 1):
        run.say(words("in_flight.says.round", number=number, rounds=run["rounds"]))
        rounds.append(_round(run, producer))
    _tell(run, looks, rounds)


def _round(run: Run, producer: Producer) -> list[Send]:
    """Send while all is refused, then have it taken. Nothing is in flight before and after.

    A record that was written, and not fetched by all when the minimum rose, would wait: below the
    minimum the high watermark stands still (KIP-966).
    """
    run.set_topic({"min.insync.replicas": REFUSED})
    sends = _burst(run, producer)
    poll_until(producer, lambda: False, REFUSED_S)
    run.set_topic({"min.insync.replicas": TAKEN})
    _answered(producer, sends)
    return sends


def _burst(run: Run, producer: Producer) -> list[Send]:
    payload = flight_payload()
    return [produce(run, producer, payload) for _ in range(run["records"])]


def _answered(producer: Producer, sends: Sequence[Send]) -> None:
    poll_until(
        producer, lambda: all(s.outcome is not Outcome.PENDING for s in sends), ANSWER_TIMEOUT_S
    )
    if any(s.outcome is not Outcome.OK for s in sends):
        raise LabsError(words("in_flight.failed"), hint=words("run_again"))


# -- what it shows ---------------------------------------------------------------------------------


def _tell(run: Run, looks: _Looks, rounds: Sequence[Sequence[Send]]) -> None:
    counts = run.verdict().counts
    logs = [_lying(run, sends) for sends in rounds]
    disordered = [log for log in logs if not _in_order(log)]
    run.measurements |= {
        "most_requests_in_flight": max(looks.counts, default=0),
        "rounds_out_of_order": len(disordered),
        "reordered_records": counts.reordered,
        "duplicated_records": counts.duplicated,
    }
    how = words(f"how.{'with' if run['idempotence'] else 'without'}")
    run.conclude(words("in_flight.told", how=how, **run.values))
    title = words(f"in_flight.title.{_BROKEN if disordered else _KEPT}", how=how)
    run.show(log_of(title, (disordered or logs)[0]))
    run.show(_under_way(looks.counts))


def _lying(run: Run, sends: Sequence[Send]) -> list[Read]:
    """A round's records as they lie in the log."""
    numbers = {send.number for send in sends}
    return [read for read in numbered(run) if read.number in numbers]


def _in_order(reads: Sequence[Read]) -> bool:
    return all(a.offset < b.offset for a, b in pairwise(sorted(reads, key=_number)))


def _number(read: Read) -> int:
    return read.number or 0


def _under_way(counts: Mapping[int, int]) -> Bars:
    """How often so many requests were in flight, of the looks that found any."""
    busy = [number for number in sorted(counts) if number]
    return Bars(
        words("in_flight.title.under_way", most=max(busy, default=0)),
        [f"under_way:{number}" for number in busy],
        {"looks": [counts[number] for number in busy]},
        f"looks_every:{LOOK_MS}",
        names=words.under("shown"),
    )


_KEPT, _BROKEN = "kept", "broken"


def _order(result: Result) -> str | None:
    if result.report.counts.reordered:
        return _BROKEN
    return _KEPT if result.settings["idempotence"] else None  # else it was luck


IN_FLIGHT = Experiment(
    "exactly_once.in_flight",
    words,
    (
        Switch("idempotence", False),
        Number("max_in_flight", 1, 5, 5, "requests"),
        Number("rounds", 5, 20, 8, "rounds"),
        Number("records", 20, 100, 20, "records", 10),
    ),
    _in_flight,
    Options((_KEPT, _BROKEN), _order),
    formerly=("producers.in_flight",),
)
