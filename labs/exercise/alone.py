"""One judging at a time on one cluster: another's faults would be found in its result."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from filelock import FileLock, Timeout

from labs.base.errors import LabsError
from labs.base.progress import Tell
from labs.base.words import Words
from labs.kafka.cluster import Cluster
from labs.kafka.kafka_cluster import KafkaCluster

words = Words(__file__)

MOMENT_S = 0.5
#: How long another judging, with its repairs, may take, s.
PATIENCE_S = 120.0


@contextmanager
def alone(cluster: Cluster, tell: Tell) -> Iterator[None]:
    """Judge alone. The system lets go of the lock even after kill -9.

    Nothing is broken on somebody else's Kafka: there nobody waits.

    Raises:
        LabsError: another judging did not end in time.
    """
    if not isinstance(cluster, KafkaCluster):
        yield
        return
    guard = FileLock(cluster.home.path / "judging.lock")
    try:
        try:
            guard.acquire(timeout=MOMENT_S)
        except Timeout:
            tell(words("says.not_alone"), None)
            guard.acquire(timeout=PATIENCE_S)
    except Timeout:
        raise LabsError(words("not_alone.what"), hint=words("not_alone.hint")) from None
    try:
        yield
    finally:
        guard.release()
