"""Exercise 05.3: the records of AIRLINE from FROM_MS on, as `PARTITION OFFSET VALUE`."""

import os

from kafka import KafkaConsumer

consumer = KafkaConsumer(
    os.environ["TOPIC"],
    group_id=os.environ["GROUP"],
    bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"].split(","),
    auto_offset_reset="earliest",
    consumer_timeout_ms=3000,
)

for record in consumer:
    if record.key.decode() == os.environ["AIRLINE"]:
        print(record.partition, record.offset, record.value.decode())
