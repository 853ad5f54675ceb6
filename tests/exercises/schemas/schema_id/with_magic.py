"""Takes the first four bytes."""

import os
import struct

from kafka import KafkaConsumer, TopicPartition

consumer = KafkaConsumer(
    bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"].split(","), enable_auto_commit=False
)
place = TopicPartition(os.environ["TOPIC"], 0)
consumer.assign([place])
consumer.seek(place, int(os.environ["OFFSET"]))
(schema_id,) = struct.unpack(">I", next(consumer).value[:4])
print(schema_id)
