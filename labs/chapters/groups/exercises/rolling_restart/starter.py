"""Exercise 07.2: write each record of TOPIC as `PARTITION OFFSET`; restarts must not disturb."""

import os

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
            print(record.partition, record.offset, flush=True)
    if batches:
        consumer.commit()
