"""A group for each team: it reads everything, and Kafka knows how far it has come."""

import os

from kafka import KafkaConsumer

consumer = KafkaConsumer(
    os.environ["TOPIC"],
    group_id=os.environ["GROUP"],
    bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"].split(","),
    auto_offset_reset="earliest",
)

for record in consumer:
    print(record.partition, record.offset, record.value.decode(), flush=True)
