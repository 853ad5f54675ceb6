"""Tries the same record again until it can be read."""

import json
import os
import time

from kafka import KafkaConsumer

bootstrap = os.environ["KAFKA_BOOTSTRAP_SERVERS"].split(",")
consumer = KafkaConsumer(
    os.environ["TOPIC"],
    group_id=os.environ["GROUP"],
    bootstrap_servers=bootstrap,
    auto_offset_reset="earliest",
    enable_auto_commit=False,
    max_poll_records=50,
)

while True:
    batches = consumer.poll(timeout_ms=1000)
    for records in batches.values():
        for record in records:
            while True:
                try:
                    json.loads(record.value)
                    break
                except ValueError:
                    time.sleep(0.5)
            print(record.partition, record.offset, record.value.decode(), flush=True)
    if batches:
        consumer.commit()
