"""Two members of a consumer group: what fails is committed with the rest."""

import json
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
    message = consumer.poll(1.0)
    if message is None or message.error() is not None:
        continue
    place = f"{message.partition()} {message.offset()}"
    try:
        json.loads(message.value() or b"")
        print(place, "done", (message.value() or b"").decode(), flush=True)
    except ValueError:
        print(place, "failed", flush=True)
