"""The solution with confluent-kafka: store an offset when its record is written, and commit it."""

import os

from confluent_kafka import Consumer

consumer = Consumer(
    {
        "bootstrap.servers": os.environ["KAFKA_BOOTSTRAP_SERVERS"],
        "group.id": os.environ["GROUP"],
        "auto.offset.reset": "earliest",
        "enable.auto.commit": False,
    }
)
consumer.subscribe([os.environ["TOPIC"]])

while True:
    records = consumer.consume(50, timeout=1)
    for record in records:
        value = record.value()
        if record.error() is None and value is not None:
            print(record.partition(), record.offset(), value.decode(), flush=True)
    if records:
        consumer.commit(asynchronous=False)
