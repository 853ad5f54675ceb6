"""Answers with the first record that is no flight."""

import os

from kafka import KafkaConsumer

consumer = KafkaConsumer(
    os.environ["TOPIC"],
    bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"].split(","),
    auto_offset_reset="earliest",
    consumer_timeout_ms=5000,
)
for record in consumer:
    if not record.value.startswith(b"{"):
        print(record.partition, record.offset)
        break
