"""The plane as key, acks=all, idempotence, and every answer looked at in the end."""

import os
import sys

from kafka import KafkaProducer

producer = KafkaProducer(
    bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"].split(","),
    acks="all",
    enable_idempotence=True,
)

futures = []
for line in sys.stdin:
    plane = line.split()[0]
    futures.append(producer.send(os.environ["TOPIC"], line.strip().encode(), plane.encode()))

producer.flush()
failed = [future.exception for future in futures if future.failed()]
if failed:
    sys.exit(f"{len(failed)} messages were not written, the first for {failed[0]!r}")
