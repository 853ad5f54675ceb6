"""A static member: the coordinator knows it by its name when it comes back."""

import os

from kafka import KafkaConsumer

consumer = KafkaConsumer(
    os.environ["TOPIC"],
    group_id=os.environ["GROUP"],
    bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"].split(","),
    auto_offset_reset="earliest",
    enable_auto_commit=False,
    group_instance_id=os.environ["INSTANCE"],
)

while True:
    batches = consumer.poll(timeout_ms=1000)
    for records in batches.values():
        for record in records:
            print(record.partition, record.offset, flush=True)
    if batches:
        consumer.commit()
