"""A static member of a KIP-848 group, which closes on SIGTERM: else its name stays taken."""

import os
import signal
from contextlib import suppress

from confluent_kafka import Consumer, KafkaException

consumer = Consumer(
    {
        "bootstrap.servers": os.environ["KAFKA_BOOTSTRAP_SERVERS"],
        "group.id": os.environ["GROUP"],
        "group.instance.id": os.environ["INSTANCE"],
        "group.protocol": "consumer",
        "auto.offset.reset": "earliest",
        "enable.auto.commit": False,
    }
)
consumer.subscribe([os.environ["TOPIC"]])
running = True


def end(*_: object) -> None:
    global running
    running = False


signal.signal(signal.SIGTERM, end)
while running:
    records = [record for record in consumer.consume(50, timeout=0.5) if record.error() is None]
    for record in records:
        print(record.partition(), record.offset(), flush=True)
    if records:
        with suppress(KafkaException):  # a rebalance came between: they are written again
            consumer.commit(asynchronous=False)
consumer.close()
