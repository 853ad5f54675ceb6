"""Ask why the task failed; then find the record that can't be converted."""

import json
import os
import sys

import requests
from kafka import KafkaConsumer

url = f"{os.environ['CONNECT']}/connectors/{os.environ['CONNECTOR']}/status"
for task in requests.get(url, timeout=10).json()["tasks"]:
    print(task["state"], task["trace"].splitlines()[-1], file=sys.stderr)

consumer = KafkaConsumer(
    os.environ["TOPIC"],
    bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"].split(","),
    auto_offset_reset="earliest",
    consumer_timeout_ms=5000,
)
for record in consumer:
    try:
        json.loads(record.value)
    except ValueError:
        print(record.partition, record.offset)
        break
