"""Exercise 02.1: each line of standard input, a flight, as a record to TOPIC."""

import json
import os
import sys

from kafka import KafkaProducer

producer = KafkaProducer(bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"].split(","))

for line in sys.stdin:
    flight = json.loads(line)
    key = flight["carrier"].encode()
    producer.send(os.environ["TOPIC"], line.strip().encode(), key)

producer.flush()
