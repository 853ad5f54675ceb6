"""Exercise 02.2: each line of standard input, as a record, to TOPIC."""

import os
import sys

from kafka import KafkaProducer

producer = KafkaProducer(
    bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"].split(","),
    acks=1,
    enable_idempotence=False,
)

for line in sys.stdin:
    producer.send(os.environ["TOPIC"], line.strip().encode())
