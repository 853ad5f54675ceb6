"""Assign the partition, seek the offset: the next record is the one."""

import json
import os

from kafka import KafkaConsumer, TopicPartition

consumer = KafkaConsumer(
    bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"].split(","), enable_auto_commit=False
)
place = TopicPartition(os.environ["TOPIC"], int(os.environ["PARTITION"]))
consumer.assign([place])
consumer.seek(place, int(os.environ["OFFSET"]))
flight = json.loads(next(consumer).value)
print(f"{flight['carrier']}{flight['flight']}")
