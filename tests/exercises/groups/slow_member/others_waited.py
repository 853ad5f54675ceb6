"""Smaller batches shorten the wait for the next poll; the slow record is still longer."""

import json
import os
import time

from kafka import KafkaConsumer

consumer = KafkaConsumer(
    os.environ["TOPIC"],
    group_id=os.environ["GROUP"],
    bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"].split(","),
    auto_offset_reset="earliest",
    enable_auto_commit=False,
    max_poll_records=5,
)


while True:
    batches = consumer.poll(timeout_ms=1000)
    for records in batches.values():
        for record in records:
            time.sleep(json.loads(record.value).get("takes_s", 0))
            print(record.partition, record.offset, flush=True)
    if batches:
        consumer.commit()
