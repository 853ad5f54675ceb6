"""Adds the whole log to the batch view."""

import json
import os

from kafka import KafkaConsumer, TopicPartition

topic, airline = TopicPartition(os.environ["TOPIC"], 0), os.environ["AIRLINE"]
batch = TopicPartition(os.environ["BATCH"], 0)
consumer = KafkaConsumer(
    bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"].split(","), enable_auto_commit=False
)
consumer.assign([batch])
consumer.seek_to_beginning(batch)
view = json.loads(next(consumer).value)

consumer.assign([topic])
consumer.seek(topic, 0)
end, count = consumer.end_offsets([topic])[topic], 0
while consumer.position(topic) < end:
    for records in consumer.poll(timeout_ms=500).values():
        count += sum(record.key == airline.encode() for record in records)
print(view["flights"][airline] + count)
