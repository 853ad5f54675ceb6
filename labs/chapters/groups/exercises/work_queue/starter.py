"""Exercise 07.3: a worker of a share group; each try of a task is a line."""

import json
import os

from confluent_kafka import Message, ShareConsumer

consumer = ShareConsumer(
    {
        "bootstrap.servers": os.environ["KAFKA_BOOTSTRAP_SERVERS"],
        "group.id": os.environ["GROUP"],
    }
)
consumer.subscribe([os.environ["TOPIC"]])


def succeeds(message: Message) -> bool:
    """Whether this try of a task succeeds."""
    try:
        fails: int = json.loads(message.value() or b"").get("fails", 0)
    except ValueError:
        return False
    return (message.delivery_count() or 0) > fails


while True:
    for message in consumer.poll(timeout=1.0):
        place = f"{message.partition()} {message.offset()}"
        if succeeds(message):
            print(place, "done", (message.value() or b"").decode(), flush=True)
        else:
            print(place, "failed", flush=True)
