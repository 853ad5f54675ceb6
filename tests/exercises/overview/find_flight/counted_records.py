"""Counts records from the first that is left."""

import json
import os

from kafka import KafkaConsumer, TopicPartition

consumer = KafkaConsumer(
    bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"].split(","), enable_auto_commit=False
)
place = TopicPartition(os.environ["TOPIC"], int(os.environ["PARTITION"]))
consumer.assign([place])
consumer.seek_to_beginning(place)
for _ in range(int(os.environ["OFFSET"])):
    next(consumer)
flight = json.loads(next(consumer).value)
print(f"{flight['carrier']}{flight['flight']}")
