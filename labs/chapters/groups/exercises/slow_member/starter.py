"""Exercise 07.1: handle each record of TOPIC, and write it as `PARTITION OFFSET`."""

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
)


while True:
    batches = consumer.poll(timeout_ms=1000)
    for records in batches.values():
        for record in records:
            time.sleep(json.loads(record.value).get("takes_s", 0))
            print(record.partition, record.offset, flush=True)
    if batches:
        consumer.commit()
