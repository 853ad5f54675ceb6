"""Offsets, asked again and again while a run goes on."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Mapping
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from labs.base.errors import LabsError
from labs.experiment.run import Run
from labs.experiment.views import Point


class Recorder:
    """Asks a question again and again in its own thread, and keeps each answer in `series`.

    Until the run ends, or `stop`. (Leader, ISR and log ends have a sampler: `labs.observe`.)
    """

    def __init__(self, run: Run, ask: Callable[[], Mapping[str, float]], every_s: float) -> None:
        self.series: dict[str, list[Point]] = {}
        self._run, self._ask, self._every_s = run, ask, every_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="labs-recorder", daemon=True)
        self._thread.start()
        run.closing(self.stop)

    def _work(self) -> None:
        while not self._stop.wait(self._every_s):
            with contextlib.suppress(LabsError, KafkaError):
                told = self._ask()
                at = self._run.elapsed()
                for name, value in told.items():
                    self.series.setdefault(name, []).append((at, value))

    def stop(self) -> None:
        """Stop asking; the answers stay."""
        self._stop.set()
        self._thread.join(timeout=5)


def ends_of(run: Run, consumer: KafkaConsumer) -> dict[int, int]:
    """Partition → the readable end, as the consumer's isolation level sees it."""
    partitions = [TopicPartition(run.topic, p) for p in range(run.partitions)]
    return {p.partition: end for p, end in consumer.end_offsets(partitions).items()}


def onlooker(run: Run, **options: Any) -> KafkaConsumer:
    """A consumer in no group, to ask for offsets."""
    return run.consumer(**options)
