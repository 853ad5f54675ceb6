"""Exercise 01.2: each record of TOPIC to standard output, as `PARTITION OFFSET VALUE`."""

import os

from kafka import KafkaConsumer

consumer = KafkaConsumer(
    os.environ["TOPIC"],
    bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"].split(","),
)

for record in consumer:
    print(record.partition, record.offset, record.value.decode(), flush=True)
