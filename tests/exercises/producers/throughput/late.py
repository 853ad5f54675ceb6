"""Lets a batch wait for five seconds."""

import os
import sys

from kafka import KafkaProducer

producer = KafkaProducer(
    bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"].split(","),
    acks="all",
    linger_ms=5000,
    batch_size=65536,
    compression_type="zstd",
)

futures = []
for line in sys.stdin:
    number = line.split()[0]
    futures.append((number, producer.send(os.environ["TOPIC"], line.strip().encode())))

producer.flush()
for number, future in futures:
    if future.failed():
        print(number)
