"""The producer's epoch, transaction by transaction: what KIP-890 has changed (transactions V2).

Until then an epoch rose only when a producer began anew (`init_transactions`). With
`transaction.version=2`, the default of a cluster formatted by Kafka 4.0 or newer, a client that
knows of it gets the next epoch with the end of each transaction (EndTxn, version 5 on). The Java
client does. kafka-python 3.0 and librdkafka 2.16 speak an older version: for them all is as before
(a test asks all three).
"""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Mapping
from typing import Any

from kafka import KafkaAdminClient, TopicPartition
from kafka.errors import KafkaError

from labs.base.errors import LabsError
from labs.base.words import Words
from labs.experiment.experiment import Experiment
from labs.experiment.offsets import Recorder
from labs.experiment.prediction import Options
from labs.experiment.result import Result
from labs.experiment.run import Run
from labs.experiment.settings import Number
from labs.experiment.views import Lines
from labs.kafka import security
from labs.kafka.installation import ensure_installation, jvm_environment, own_tmp
from labs.supervise.home import Home

words = Words(__file__)

KAFKA_PYTHON, JAVA = "kafka-python", "java"

#: The class that Kafka's script of this name runs.
PRODUCER_PERF_TEST = "org.apache.kafka.tools.ProducerPerformance"

LOOK_S = 0.1
EACH, RATE = 5, 25  # records in a transaction, and in a second
JAVA_S = 60.0


def _epochs(run: Run) -> None:
    let_in = security.current()
    if let_in.encrypted or let_in.asks_who:
        raise LabsError(words("epochs.failed.locked"), hint=words("epochs.failed.locked_hint"))
    run.make_topic(watch=False)
    ids = {name: f"{run.topic}-{name}" for name in (KAFKA_PYTHON, JAVA)}
    other = f"{run.topic}-{JAVA}"
    wanted = {"num_partitions": 1, "replication_factor": 3, "configs": run.cluster.limits}
    run.ask(lambda client: other in client.list_topics() or client.create_topics({other: wanted}))
    admin = run.admin()
    look = Recorder(run, lambda: _look(admin, ids), LOOK_S)
    _by_kafka_python(run, ids[KAFKA_PYTHON])
    _by_java(run, ids[JAVA], other)
    run.sleep(5 * LOOK_S)
    look.stop()
    _tell(run, admin, look.series, _markers(run, other))


def _look(admin: KafkaAdminClient, ids: Mapping[str, str]) -> dict[str, float]:
    """Ask for the producers' epochs (KIP-664); one that has not begun yet has none (or -1)."""
    found = {}
    for name, id in ids.items():
        with contextlib.suppress(KafkaError):
            found[name] = float(admin.describe_transactions([id])[id].producer_epoch)
    return {name: epoch for name, epoch in found.items() if epoch >= 0}


def _by_kafka_python(run: Run, id: str) -> None:
    run.say(words("epochs.says.python"))
    producer = run.producer(transactional_id=id)
    producer.init_transactions()
    for _ in range(run["transactions"]):
        producer.begin_transaction()
        run.load(producer, RATE, EACH).wait()
        producer.commit_transaction()


def _by_java(run: Run, id: str, topic: str) -> None:
    run.say(words("epochs.says.java"))
    settings = {"transaction-duration-ms": 1000 * EACH // RATE, "throughput": RATE}
    options = [word for name, value in settings.items() for word in (f"--{name}", str(value))]
    options += ["--num-records", str(EACH * run["transactions"]), "--record-size", "100"]
    options += ["--topic", topic, "--transactional-id", id]
    options += ["--bootstrap-server", ",".join(run.cluster.bootstrap)]
    tmp = own_tmp(Home.current().path)
    command = ensure_installation().command_of(PRODUCER_PERF_TEST, (tmp,), options)
    process = subprocess.Popen(
        command, env=jvm_environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    run.closing(lambda: _end(process))
    run.wait(lambda: process.poll() is not None, words("epochs.awaited.java"), JAVA_S)
    if process.returncode:
        said = process.communicate()[1].decode("utf-8", "replace").strip()
        raise LabsError(words("epochs.failed.java"), because=said[-300:])


def _end(process: subprocess.Popen[Any]) -> None:
    process.kill()
    process.communicate()


def _markers(run: Run, topic: str) -> int:
    """How many transactions were committed: offsets that are no record's are their markers."""
    onlooker, partition = run.consumer(), TopicPartition(topic, 0)
    end = int(onlooker.end_offsets([partition])[partition])
    return end - EACH * int(run["transactions"])


def _tell(run: Run, admin: KafkaAdminClient, series: dict[str, Any], by_java: int) -> None:
    last = {name: int(points[-1][1]) for name, points in series.items()}
    run.measurements |= {
        "transactions_of_kafka_python": run["transactions"],
        "epoch_of_kafka_python": last[KAFKA_PYTHON],
        "transactions_of_java": by_java,
        "epoch_of_java": last[JAVA],
        "transaction_version": _version(admin),
    }
    run.conclude(words("epochs.told", **run.values))
    title = words("epochs.title", **run.values)
    names = words.under("shown")
    run.show(Lines(title, series, "elapsed_s", "producer_epoch", steps=True, names=names))


def _version(admin: KafkaAdminClient) -> float:
    """The cluster's `transaction.version`."""
    told = admin.describe_features().get("transaction.version", {})
    return float(told.get("finalized", (0, 0))[1])


_NOBODY, _JAVA_ONLY, _BOTH = "nobody", "java", "both"


def _whose_rises(result: Result) -> str | None:
    python, java = (
        bool(result.measurements[f"epoch_of_{name}"]) for name in ("kafka_python", JAVA)
    )
    return {(False, False): _NOBODY, (False, True): _JAVA_ONLY, (True, True): _BOTH}.get(
        (python, java)
    )


EPOCHS = Experiment(
    "exactly_once.epochs",
    words,
    (Number("transactions", 3, 10, 5, facts={"each": EACH}),),
    _epochs,
    Options((_NOBODY, _JAVA_ONLY, _BOTH), _whose_rises),
    breaks=False,
    by_wall=lambda _: words("by_wall.open_transaction"),
    about=("epoch_of_kafka_python", "epoch_of_java"),
)
