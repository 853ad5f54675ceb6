"""The solution with confluent-kafka."""

import json
import os
import sys

from confluent_kafka import Producer

settings = {
    "bootstrap.servers": os.environ["KAFKA_BOOTSTRAP_SERVERS"],
    "enable.idempotence": True,
}
producer = Producer(settings)
for line in sys.stdin:
    producer.produce(os.environ["TOPIC"], line.strip().encode(), json.loads(line)["tailnum"])
    producer.poll(0)

producer.flush()
