"""Ends without closing, in a group of KIP-848's protocol."""

import os
import signal
import threading

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
stopping = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stopping.set())

while not stopping.is_set():
    records = consumer.consume(50, timeout=1)
    for record in records:
        value = record.value()
        if record.error() is None and value is not None:
            print(record.partition(), record.offset(), value.decode(), flush=True)
    if records:
        consumer.commit(asynchronous=False)
