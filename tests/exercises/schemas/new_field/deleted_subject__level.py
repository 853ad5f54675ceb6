"""Deletes the subject and its version, and sets the level again as if nothing had been."""

import json
import os
import sys

sys.path.append(os.environ["PACKAGES"])

from confluent_kafka import Producer
from confluent_kafka.schema_registry import SchemaRegistryClient, topic_subject_name_strategy
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

FLIGHT = {
    "type": "record",
    "name": "Flight",
    "namespace": "labs",
    "fields": [
        {"name": "carrier", "type": "string"},
        {"name": "flight", "type": "int"},
        {"name": "gate", "type": "string"},
    ],
}

topic = os.environ["TOPIC"]
registry = SchemaRegistryClient({"url": os.environ["SCHEMA_REGISTRY_URL"], "timeout": 10})
registry.delete_subject(f"{topic}-value")
registry.set_compatibility(f"{topic}-value", "FULL")
serialize = AvroSerializer(
    registry, json.dumps(FLIGHT), conf={"subject.name.strategy": topic_subject_name_strategy}
)
producer = Producer({"bootstrap.servers": os.environ["KAFKA_BOOTSTRAP_SERVERS"]})

for line in sys.stdin:
    value = serialize(json.loads(line), SerializationContext(topic, MessageField.VALUE))
    producer.produce(topic, value)
producer.flush()
