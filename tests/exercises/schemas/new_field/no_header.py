"""Writes the lines as they are, in JSON."""

import os
import sys

from kafka import KafkaProducer

producer = KafkaProducer(bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"].split(","))
for line in sys.stdin:
    producer.send(os.environ["TOPIC"], line.strip().encode())
producer.flush()
