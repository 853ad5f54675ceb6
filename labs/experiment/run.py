"""One run: the topic, clients, faults and measurements that an experiment's body works with.

It is built of classes, each in a file of its own and each derived from the one before: `telling`
(what it shows), `clients`, `topic`, `faults`; and here, the last one, its verdict and its end.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from labs.base.clock import now
from labs.base.errors import LabsError
from labs.base.words import Words
from labs.experiment.faults import Faults
from labs.experiment.result import Measured, Result
from labs.kafka.cluster import State
from labs.observe.healing import heal
from labs.supervise.cgroup import cores
from labs.workload import read_back, set_here
from labs.workload.checker import check, check_key_order, check_processing
from labs.workload.history import Log, Read
from labs.workload.judgements import (
    KEY_ORDER,
    LOG,
    PROCESSING,
    UNKNOWN,
    KeyOrder,
    Processing,
    Report,
)
from labs.workload.reading import READ_TIMEOUT_S, UNCOMMITTED, reader_options

T = TypeVar("T")

words = Words(__file__)


@dataclass
class Run(Faults):
    """One run: what the body works with. `run["acks"]` is a setting's value.

    `log`: what the final read found, once there is a verdict. `isolation`: what that reader may see
    of transactions.
    """

    log: Log | None = None
    isolation: str = UNCOMMITTED
    judges: tuple[str, ...] = (LOG,)
    _report: Report | None = None
    _processing: Processing | None = None
    _key_order: KeyOrder | None = None

    def read(self, first: Collection[int] = ()) -> Log:
        """All that a fresh consumer finds in the topic at this moment; `first` as in `read_back`.

        Raises:
            LabsError: it did not read to the end, so nothing follows from what is missing.
        """
        log = self.read_back(first=first)
        if not log.complete:
            raise LabsError(words("incomplete.what", why=log.why), hint=words("incomplete.hint"))
        return log

    def read_back(
        self,
        ends: Mapping[int, int] | None = None,
        first: Collection[int] = (),
        timeout_s: float = READ_TIMEOUT_S,
    ) -> Log:
        """What a fresh consumer finds in the topic, whether or not it read to the end.

        Arguments as `labs.workload.read_back` has them; `ends` are its `log_ends`.
        """
        options = reader_options(timeout_s, self.isolation)
        self.note(set_here.kafka_python("consumer", options, words("final_reader")))
        return read_back(self.serving, self.topic, ends, timeout_s, self.isolation, first)

    def verdict(self) -> Report:
        """Repair the cluster, read the topic to its end and check every record, once."""
        if self._report is None:
            self.say(words("says.repairing"))
            heal(self.cluster)
            self.close_senders()
            self.history.close(now())
            self.say(words("says.reading"))
            ends = self.log_ends()
            self.log = log = self.read_back(ends)
            # No timeline: if nothing was broken, the present leader has acknowledged.
            known = not (self.faults or self.timeline)
            now_leading = {p: self.leader(p) for p in ends} if known else {}
            leader_at = (
                self.timeline.leader_at if self.timeline else (lambda p, _time: now_leading.get(p))
            )
            self._report = check(self.history.sends, log, leader_at)
            if self.timeline:
                self.timeline.stop()
        return self._report

    def judge_log(self, log: Log) -> Report:
        """The verdict, where the run itself has read what another program wrote of its records."""
        self.close_senders()
        self.history.close(now())
        self.log = log
        self._report = check(self.history.sends, log)
        return self._report

    def judge_processing(
        self, processed: Sequence[Read], unfinished: str = "", asked_from: float | None = None
    ) -> Processing:
        """Judge what a group did with the records; arguments as `check_processing` has them."""
        self.verdict()
        assert self.log is not None
        self._processing = check_processing(
            self.history.sends, self.log, processed, unfinished, asked_from
        )
        return self._processing

    def judge_key_order(self, log: Log) -> KeyOrder:
        """Judge the order in which one reader got each key's records."""
        self._key_order = check_key_order(self.history.sends, log)
        return self._key_order

    def result(self) -> Result:
        """All that the run found, with the verdict."""
        report = self.verdict()
        return Result(
            experiment=self.name,
            settings=dict(self.settings),
            report=report,
            topic=self.topic,
            bootstrap=list(self.cluster.bootstrap),
            duration_s=round(self.elapsed(), 2),
            measurements={**self.measurements, **_circumstances()},
            views=tuple(self.views),
            conclusion=self.conclusion,
            faults=tuple(self.faults),
            set_here=(*self.noted, *self.topic_departures()),
            by_wall=self.by_wall,
            processing=judged(
                self.judges, PROCESSING, self._processing, Processing(UNKNOWN, why=words("unseen"))
            ),
            key_order=judged(
                self.judges, KEY_ORDER, self._key_order, KeyOrder(UNKNOWN, why=words("unseen"))
            ),
        )

    def close(self) -> None:
        """Close the clients, undo the settings, repair the cluster, whatever happened."""
        self.say(words("says.repairing"))
        try:
            if any(n.state is not State.RUNNING for n in self.cluster.status().nodes):
                self.cluster.start()
        finally:
            self.close_clients()
            heal(self.cluster)
            self.say("")


def judged(judges: Collection[str], what: str, found: T | None, unseen: T) -> T | None:
    """The judgement on what an experiment is about; None: it is not about that."""
    return (found or unseen) if what in judges else None


def _circumstances() -> dict[str, Measured]:
    """What a reader of the figures must know: how many cores clients and brokers share."""
    load = round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None
    return {"cores_shared": cores(), "load_average_1min": load}
