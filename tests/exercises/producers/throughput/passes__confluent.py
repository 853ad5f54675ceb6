"""The solution with confluent-kafka: a callback gets each answer."""

import os
import sys
from functools import partial

from confluent_kafka import KafkaError, Message, Producer


def answered(number: str, error: KafkaError | None, _message: Message) -> None:
    """Write the number of a line that was refused."""
    if error is not None:
        print(number, flush=True)


settings = {
    "bootstrap.servers": os.environ["KAFKA_BOOTSTRAP_SERVERS"],
    "enable.idempotence": True,
    "linger.ms": 5,
    "compression.type": "zstd",
}
producer = Producer(settings)
for line in sys.stdin:
    told = partial(answered, line.split()[0])
    producer.produce(os.environ["TOPIC"], line.strip().encode(), on_delivery=told)
    producer.poll(0)

producer.flush()
