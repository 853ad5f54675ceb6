"""Sends without a key."""

import os
import sys

from kafka import KafkaProducer

producer = KafkaProducer(
    bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"].split(","),
    acks="all",
)

for line in sys.stdin:
    value = line.strip().encode()
    producer.send(os.environ["TOPIC"], value)

producer.flush()
