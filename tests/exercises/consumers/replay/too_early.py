"""Reads from the beginning, and does not look at the time."""

import os

from kafka import KafkaConsumer, TopicPartition

airline = os.environ["AIRLINE"].encode()
consumer = KafkaConsumer(
    bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"].split(","), enable_auto_commit=False
)
topic = os.environ["TOPIC"]
places = [TopicPartition(topic, p) for p in consumer.partitions_for_topic(topic)]
consumer.assign(places)
ends = consumer.end_offsets(places)
consumer.seek_to_beginning(*places)

while any(consumer.position(place) < ends[place] for place in places):
    for records in consumer.poll(timeout_ms=500).values():
        for record in records:
            if record.key == airline:
                print(record.partition, record.offset, record.value.decode())
