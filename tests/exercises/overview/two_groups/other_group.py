"""Takes a new group name at each start."""

import os
import uuid

from kafka import KafkaConsumer

consumer = KafkaConsumer(
    os.environ["TOPIC"],
    group_id=f"{os.environ['GROUP']}-{uuid.uuid4()}",
    bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"].split(","),
    auto_offset_reset="earliest",
)

for record in consumer:
    print(record.partition, record.offset, record.value.decode(), flush=True)
