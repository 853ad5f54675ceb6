"""Exercise 05.1: each record of TOPIC to standard output, as `PARTITION OFFSET VALUE`."""

import os

from kafka import KafkaConsumer

consumer = KafkaConsumer(
    os.environ["TOPIC"],
    group_id=os.environ["GROUP"],
    bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"].split(","),
)

while True:
    for records in consumer.poll(timeout_ms=1000).values():
        for record in records:
            print(record.partition, record.offset, record.value.decode(), flush=True)
