"""What fails is sent to the queue's end, as a new record."""

import json
import os

from confluent_kafka import AcknowledgeType, Message, Producer, ShareConsumer

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


producer = Producer({"bootstrap.servers": os.environ["KAFKA_BOOTSTRAP_SERVERS"]})
while True:
    messages = consumer.poll(timeout=1.0)
    for message in messages:
        place = f"{message.partition()} {message.offset()}"
        if succeeds(message):
            print(place, "done", (message.value() or b"").decode(), flush=True)
        else:
            print(place, "failed", flush=True)
            producer.produce(os.environ["TOPIC"], message.value())
            producer.flush()
        consumer.acknowledge(message, AcknowledgeType.ACCEPT)
    if messages:
        consumer.commit_sync()
