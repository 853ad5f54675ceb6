"""Leaves `auto_offset_reset` at its default."""

import os

from kafka import KafkaConsumer

consumer = KafkaConsumer(
    os.environ["TOPIC"],
    group_id=os.environ["GROUP"],
    bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"].split(","),
)

for record in consumer:
    print(record.partition, record.offset, record.value.decode(), flush=True)
