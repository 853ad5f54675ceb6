"""Gives up a whole batch because of one record."""

import json
import os
import sys

sys.path.append(os.environ["PACKAGES"])

from confluent_kafka import Consumer, Producer
from confluent_kafka.schema_registry import SchemaRegistryClient, topic_subject_name_strategy
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext

topic, out, dead_letters = (os.environ[name] for name in ("TOPIC", "OUT", "DEAD_LETTERS"))
registry = SchemaRegistryClient({"url": os.environ["SCHEMA_REGISTRY_URL"], "timeout": 10})
deserialize = AvroDeserializer(
    registry, conf={"subject.name.strategy": topic_subject_name_strategy}
)
servers = {"bootstrap.servers": os.environ["KAFKA_BOOTSTRAP_SERVERS"]}
producer = Producer(servers)
consumer = Consumer({**servers, "group.id": os.environ["GROUP"], "auto.offset.reset": "earliest"})
consumer.subscribe([topic])

while True:
    records = [record for record in consumer.consume(20, timeout=1.0) if not record.error()]
    try:
        context = SerializationContext(topic, MessageField.VALUE)
        flights = [deserialize(record.value(), context) for record in records]
    except Exception:
        for record in records:
            producer.produce(dead_letters, record.value())
    else:
        for flight in flights:
            producer.produce(out, json.dumps(flight).encode())
    producer.flush()
    for record in records:
        print(record.offset(), flush=True)
