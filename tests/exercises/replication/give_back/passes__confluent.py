"""The solution with confluent-kafka: tries until no election is refused or needed."""

import os
import time

from confluent_kafka import ElectionType, KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient

topic = os.environ["TOPIC"]
admin = AdminClient({"bootstrap.servers": os.environ["KAFKA_BOOTSTRAP_SERVERS"]})

while True:
    told = admin.describe_topics(TopicCollection([topic]))[topic].result()
    away = [p.id for p in told.partitions if p.leader is None or p.leader.id != p.replicas[0].id]
    if not away:
        break
    try:
        places = [TopicPartition(topic, index) for index in away]
        admin.elect_leaders(ElectionType.PREFERRED, places).result()
    except KafkaException as error:
        print(error)
    print("waiting", flush=True)
    time.sleep(0.5)
