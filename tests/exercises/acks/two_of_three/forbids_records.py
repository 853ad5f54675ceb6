"""Compacts the topic, which takes no record without a key then."""

import os

from kafka import KafkaAdminClient

admin = KafkaAdminClient(bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"].split(","))
settings = {"min.insync.replicas": "2", "cleanup.policy": "compact"}
wanted = {"num_partitions": 1, "replication_factor": 3, "configs": settings}
admin.create_topics({os.environ["TOPIC"]: wanted})
