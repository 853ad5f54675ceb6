"""With confluent-kafka: ends while messages are still in the queue."""

import os
import sys

from confluent_kafka import Producer

producer = Producer(
    {
        "bootstrap.servers": os.environ["KAFKA_BOOTSTRAP_SERVERS"],
        "enable.idempotence": True,
        "linger.ms": 500,
    }
)
for line in sys.stdin:
    value = line.strip().encode()
    producer.produce(os.environ["TOPIC"], value, value.split()[0])
    producer.poll(0)
