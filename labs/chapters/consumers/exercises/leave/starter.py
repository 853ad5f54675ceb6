"""Exercise 05.2: leave the group at SIGTERM. Each record goes out as `PARTITION OFFSET VALUE`."""

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
consumer.partitions_for_topic(os.environ["TOPIC"])  # else kafka-python may be given none

while True:
    batches = consumer.poll(timeout_ms=1000)
    for records in batches.values():
        for record in records:
            print(record.partition, record.offset, record.value.decode(), flush=True)
    if batches:
        consumer.commit()
