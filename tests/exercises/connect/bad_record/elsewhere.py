"""Answers with the last record of the topic."""

import os

from kafka import KafkaConsumer, TopicPartition

consumer = KafkaConsumer(bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"].split(","))
place = TopicPartition(os.environ["TOPIC"], 1)
print(place.partition, consumer.end_offsets([place])[place] - 1)
