"""Takes a record for present when the topic has its offset."""

import json
import os

from kafka import KafkaConsumer, TopicPartition


def values(topic: str) -> list[bytes]:
    """The values of all records of a topic with one partition."""
    place = TopicPartition(topic, 0)
    brokers = os.environ["KAFKA_BOOTSTRAP_SERVERS"].split(",")
    consumer = KafkaConsumer(bootstrap_servers=brokers, enable_auto_commit=False)
    consumer.assign([place])
    consumer.seek_to_beginning(place)
    end, found = consumer.end_offsets([place])[place], []
    while consumer.position(place) < end:
        found.append(next(consumer).value)
    return found


reports = map(json.loads, values(os.environ["REPORTS"]))
acknowledged = {report["number"]: report["offset"] for report in reports if "offset" in report}
end = len(values(os.environ["TOPIC"]))
print(*[number for number, offset in acknowledged.items() if offset >= end] or ["none"])
