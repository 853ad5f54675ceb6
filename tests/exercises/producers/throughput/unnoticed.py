"""Asks for no answer, and so gets none."""

import os
import sys

from kafka import KafkaProducer

producer = KafkaProducer(
    bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"].split(","),
    acks=0,
    enable_idempotence=False,
    linger_ms=5,
    batch_size=65536,
)

futures = []
for line in sys.stdin:
    number = line.split()[0]
    futures.append((number, producer.send(os.environ["TOPIC"], line.strip().encode())))

producer.flush()
for number, future in futures:
    if future.failed():
        print(number)
