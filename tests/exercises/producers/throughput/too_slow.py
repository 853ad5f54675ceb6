"""Makes batches large, and still waits for each answer."""

import os
import sys

from kafka import KafkaProducer

producer = KafkaProducer(
    bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"].split(","),
    linger_ms=5,
    batch_size=65536,
    compression_type="zstd",
)

for line in sys.stdin:
    number = line.split()[0]
    future = producer.send(os.environ["TOPIC"], line.strip().encode())
    producer.flush()
    if future.failed():
        print(number, flush=True)
