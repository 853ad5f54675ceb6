"""Reads the reports, but the topic from its end only: so nothing seems to be there."""

import json
import os

from kafka import KafkaConsumer, TopicPartition


def values(topic: str, begin: bool = True) -> list[bytes]:
    """The values of all records of a topic with one partition."""
    place = TopicPartition(topic, 0)
    brokers = os.environ["KAFKA_BOOTSTRAP_SERVERS"].split(",")
    consumer = KafkaConsumer(bootstrap_servers=brokers, enable_auto_commit=False)
    consumer.assign([place])
    if begin:
        consumer.seek_to_beginning(place)
    end, found = consumer.end_offsets([place])[place], []
    while consumer.position(place) < end:
        found.append(next(consumer).value)
    return found


reports = map(json.loads, values(os.environ["REPORTS"]))
acknowledged = {report["number"] for report in reports if "offset" in report}
there = {int(value.partition(b"|")[0]) for value in values(os.environ["TOPIC"], begin=False)}
print(*sorted(acknowledged - there) or ["none"])
