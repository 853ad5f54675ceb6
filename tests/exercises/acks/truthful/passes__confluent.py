"""The solution with confluent-kafka."""

import os
import sys

from confluent_kafka import KafkaException, Producer

producer = Producer(
    {
        "bootstrap.servers": os.environ["KAFKA_BOOTSTRAP_SERVERS"],
        "acks": "all",
        "request.timeout.ms": 700,
        "message.timeout.ms": 1000,
    }
)

for line in sys.stdin:
    number = line.partition("|")[0]

    def report(error: object, _: object, number: str = number) -> None:
        print(number, "unknown" if error else "written", flush=True)

    try:
        producer.produce(os.environ["TOPIC"], line.strip().encode(), on_delivery=report)
    except (BufferError, KafkaException):
        print(number, "not written", flush=True)
    producer.poll(0)

producer.flush()
