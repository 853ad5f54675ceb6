"""Writes the bytes of a record as Python shows them."""

import os

from kafka import KafkaConsumer, TopicPartition

begin = int(os.environ["FROM_MS"])
airline = os.environ["AIRLINE"].encode()
consumer = KafkaConsumer(
    bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"].split(","), enable_auto_commit=False
)
topic = os.environ["TOPIC"]
places = [TopicPartition(topic, p) for p in consumer.partitions_for_topic(topic)]
consumer.assign(places)
ends = consumer.end_offsets(places)
found = consumer.offsets_for_times(dict.fromkeys(places, begin))
for place in places:
    consumer.seek(place, found[place].offset if found[place] else ends[place])

while any(consumer.position(place) < ends[place] for place in places):
    for records in consumer.poll(timeout_ms=500).values():
        for record in records:
            if record.key == airline and record.timestamp >= begin:
                print(record.partition, record.offset, record.value)
