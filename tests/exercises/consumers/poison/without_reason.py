"""Sends it away without a word."""

import json
import os

from kafka import KafkaConsumer, KafkaProducer

bootstrap = os.environ["KAFKA_BOOTSTRAP_SERVERS"].split(",")
producer = KafkaProducer(bootstrap_servers=bootstrap, acks="all")
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
            except ValueError:
                dead = os.environ["DEAD_LETTERS"]
                producer.send(dead, record.value, record.key).get(timeout=30)
            else:
                print(record.partition, record.offset, record.value.decode(), flush=True)
    if batches:
        consumer.commit()
