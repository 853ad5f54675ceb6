"""Gives the rest of a batch up with the record that can not be read."""

import json
import os
import sys

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
        try:
            for record in records:
                json.loads(record.value)
                print(record.partition, record.offset, record.value.decode(), flush=True)
        except ValueError as error:
            print("a batch was broken off", error, file=sys.stderr)
    if batches:
        consumer.commit()
