"""The solution with confluent-kafka."""

import os

from confluent_kafka import Consumer

consumer = Consumer(
    {
        "bootstrap.servers": os.environ["KAFKA_BOOTSTRAP_SERVERS"],
        "group.id": os.environ["GROUP"],
        "auto.offset.reset": "earliest",
    }
)
consumer.subscribe([os.environ["TOPIC"]])

while True:
    record = consumer.poll(1)
    if record is None or record.error() is not None:
        continue
    value = record.value()
    if value is not None:
        print(record.partition(), record.offset(), value.decode(), flush=True)
