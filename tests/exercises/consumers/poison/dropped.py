"""Catches the exception, and goes on."""

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
        for record in records:
            try:
                json.loads(record.value)
            except ValueError as error:
                print("skipped", error, file=sys.stderr)
            else:
                print(record.partition, record.offset, record.value.decode(), flush=True)
    if batches:
        consumer.commit()
