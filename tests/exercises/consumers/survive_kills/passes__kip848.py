"""The solution in a group of KIP-848's protocol: a killed member must not hold up the next one."""

import os

from confluent_kafka import Consumer

consumer = Consumer(
    {
        "bootstrap.servers": os.environ["KAFKA_BOOTSTRAP_SERVERS"],
        "group.id": os.environ["GROUP"],
        "group.protocol": "consumer",
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
