"""Lets the leader answer alone."""

import os
import sys

from kafka import KafkaProducer

producer = KafkaProducer(
    bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"].split(","),
    acks=1,
    enable_idempotence=False,
)

for line in sys.stdin:
    value = line.strip().encode()
    producer.send(os.environ["TOPIC"], value, key=value.split()[0])

producer.flush()
