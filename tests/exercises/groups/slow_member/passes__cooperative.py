"""librdkafka's cooperative members keep their partitions, and read on, while one is waited for."""

import json
import os
import time
from contextlib import suppress

from confluent_kafka import Consumer, KafkaException

consumer = Consumer(
    {
        "bootstrap.servers": os.environ["KAFKA_BOOTSTRAP_SERVERS"],
        "group.id": os.environ["GROUP"],
        "partition.assignment.strategy": "cooperative-sticky",
        "auto.offset.reset": "earliest",
        "enable.auto.commit": False,
    }
)
consumer.subscribe([os.environ["TOPIC"]])

while True:
    records = [record for record in consumer.consume(50, timeout=0.2) if record.error() is None]
    for record in records:
        time.sleep(json.loads(record.value() or b"{}").get("takes_s", 0))
        print(record.partition(), record.offset(), flush=True)
    if records:
        with suppress(KafkaException):  # a rebalance came between: they are handled again
            consumer.commit(asynchronous=False)
