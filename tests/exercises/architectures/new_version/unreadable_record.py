"""The numbers are packed into four bytes, which are no text."""

import json
import os
import struct
from collections import Counter

from kafka import KafkaConsumer, KafkaProducer, TopicPartition

servers = os.environ["KAFKA_BOOTSTRAP_SERVERS"].split(",")
topic = TopicPartition(os.environ["TOPIC"], 0)
consumer = KafkaConsumer(bootstrap_servers=servers, enable_auto_commit=False)
consumer.assign([topic])
consumer.seek_to_beginning(topic)
end = consumer.end_offsets([topic])[topic]
producer = KafkaProducer(bootstrap_servers=servers)
out = os.environ["OUT"]
departures: Counter[str] = Counter()

while consumer.position(topic) < end:
    for records in consumer.poll(timeout_ms=500).values():
        for record in records:
            flight = json.loads(record.value)
            if not flight["cancelled"]:
                departures[flight["scheduled"][:10]] += 1
for day, count in departures.items():
    producer.send(out, struct.pack(">I", 0xFF000000 + count), day.encode())
producer.flush()
producer.send(os.environ["VIEWS"], out.encode(), b"current")
producer.flush()
