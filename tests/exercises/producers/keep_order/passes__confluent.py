"""The solution with confluent-kafka: librdkafka wants to be told to be idempotent."""

import os
import sys

from confluent_kafka import KafkaError, Message, Producer

failed: list[KafkaError] = []


def answered(error: KafkaError | None, _message: Message) -> None:
    """Note what could not be written."""
    if error is not None:
        failed.append(error)


producer = Producer(
    {
        "bootstrap.servers": os.environ["KAFKA_BOOTSTRAP_SERVERS"],
        "enable.idempotence": True,
    }
)
for line in sys.stdin:
    value = line.strip().encode()
    producer.produce(os.environ["TOPIC"], value, value.split()[0], on_delivery=answered)
    producer.poll(0)

producer.flush()
if failed:
    sys.exit(f"{len(failed)} messages were not written, the first for {failed[0]}")
