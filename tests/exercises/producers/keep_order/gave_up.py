"""Gives up a record after two seconds, and looks at no answer."""

import os
import sys

from kafka import KafkaProducer

producer = KafkaProducer(
    bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"].split(","),
    acks="all",
    enable_idempotence=False,
    request_timeout_ms=1500,
    delivery_timeout_ms=2000,
)

for line in sys.stdin:
    value = line.strip().encode()
    producer.send(os.environ["TOPIC"], value, key=value.split()[0])

producer.flush()
