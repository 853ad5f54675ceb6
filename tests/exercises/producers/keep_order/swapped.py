"""Sends again without idempotence, five requests at a time."""

import os
import sys

from kafka import KafkaProducer

producer = KafkaProducer(
    bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"].split(","),
    acks="all",
    enable_idempotence=False,
)

for line in sys.stdin:
    value = line.strip().encode()
    producer.send(os.environ["TOPIC"], value, key=value.split()[0])

producer.flush()
