"""The new field has a default, so both versions can be read by both readers."""

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
        {"name": "gate", "type": "string", "default": ""},
    ],
}

topic = os.environ["TOPIC"]
registry = SchemaRegistryClient({"url": os.environ["SCHEMA_REGISTRY_URL"], "timeout": 10})
serialize = AvroSerializer(
    registry, json.dumps(FLIGHT), conf={"subject.name.strategy": topic_subject_name_strategy}
)
producer = Producer({"bootstrap.servers": os.environ["KAFKA_BOOTSTRAP_SERVERS"]})

for line in sys.stdin:
    value = serialize(json.loads(line), SerializationContext(topic, MessageField.VALUE))
    producer.produce(topic, value)
producer.flush()
