"""Exercise 13.3: count the departures of each day in TOPIC anew, into OUT; then switch VIEWS."""

import json
import os
from collections import Counter

from kafka import KafkaConsumer, KafkaProducer

servers = os.environ["KAFKA_BOOTSTRAP_SERVERS"].split(",")
consumer = KafkaConsumer(os.environ["TOPIC"], bootstrap_servers=servers, consumer_timeout_ms=3000)
producer = KafkaProducer(bootstrap_servers=servers)
departures: Counter[str] = Counter()

for record in consumer:
    flight = json.loads(record.value)
    departures[flight["scheduled"][:10]] += 1

for day, count in departures.items():
    producer.send(os.environ["OUT"], str(count).encode(), day.encode())
producer.flush()
