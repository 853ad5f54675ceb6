"""Writes that a task is done, and not which one."""

import json
import os

from confluent_kafka import AcknowledgeType, Message, ShareConsumer

consumer = ShareConsumer(
    {
        "bootstrap.servers": os.environ["KAFKA_BOOTSTRAP_SERVERS"],
        "group.id": os.environ["GROUP"],
        "share.acknowledgement.mode": "explicit",
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
    messages = consumer.poll(timeout=1.0)
    for message in messages:
        place = f"{message.partition()} {message.offset()}"
        if succeeds(message):
            print(place, "done", flush=True)
            consumer.acknowledge(message, AcknowledgeType.ACCEPT)
        else:
            print(place, "failed", flush=True)
            consumer.acknowledge(message, AcknowledgeType.RELEASE)
    if messages:
        consumer.commit_sync()
