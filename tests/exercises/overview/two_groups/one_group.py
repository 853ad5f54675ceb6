"""Has one group for everybody."""

import os

from kafka import KafkaConsumer

consumer = KafkaConsumer(
    os.environ["TOPIC"],
    group_id="flights-readers",
    bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"].split(","),
    auto_offset_reset="earliest",
)

for record in consumer:
    print(record.partition, record.offset, record.value.decode(), flush=True)
