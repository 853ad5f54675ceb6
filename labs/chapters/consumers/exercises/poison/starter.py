"""Exercise 05.4: good records go out as `PARTITION OFFSET VALUE`; poison must not stop them."""

import json
import os

from kafka import KafkaConsumer

consumer = KafkaConsumer(
    os.environ["TOPIC"],
    group_id=os.environ["GROUP"],
    bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"].split(","),
    auto_offset_reset="earliest",
    enable_auto_commit=False,
    max_poll_records=50,
)

while True:
    batches = consumer.poll(timeout_ms=1000)
    for records in batches.values():
        for record in records:
            json.loads(record.value)
            print(record.partition, record.offset, record.value.decode(), flush=True)
    if batches:
        consumer.commit()
