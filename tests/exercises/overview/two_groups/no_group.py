"""Assigns all partitions itself, without a group."""

import os

from kafka import KafkaConsumer, TopicPartition

topic = os.environ["TOPIC"]
consumer = KafkaConsumer(bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"].split(","))
places = [TopicPartition(topic, index) for index in consumer.partitions_for_topic(topic)]
consumer.assign(places)
consumer.seek_to_beginning()

for record in consumer:
    print(record.partition, record.offset, record.value.decode(), flush=True)
