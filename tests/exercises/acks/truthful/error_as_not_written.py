"""Takes every error for a refusal."""

import os
import sys

from kafka import KafkaProducer
from kafka.errors import KafkaError

producer = KafkaProducer(
    bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"].split(","),
    acks="all",
    enable_idempotence=False,  # with it, kafka-python 3.0 does not recover from a batch given up
    request_timeout_ms=700,
    delivery_timeout_ms=1000,
)


def report(number: str, what: str) -> None:
    """Print `17 written`, `17 not written` or `17 unknown`."""
    print(number, what, flush=True)


for line in sys.stdin:
    number, _, _ = line.partition("|")
    try:
        future = producer.send(os.environ["TOPIC"], line.strip().encode())
    except KafkaError:
        report(number, "not written")
    else:
        future.add_callback(lambda _, number=number: report(number, "written"))
        future.add_errback(lambda _, number=number: report(number, "not written"))

producer.flush()
