"""Sends without a key: an even spread, and no order."""

import json
import os
import sys

from kafka import KafkaProducer

producer = KafkaProducer(bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"].split(","))

for line in sys.stdin:
    flight = json.loads(line)
    key = None
    producer.send(os.environ["TOPIC"], line.strip().encode(), key)

producer.flush()
