"""Wants more in sync than there are replicas."""

import os

from kafka import KafkaAdminClient

admin = KafkaAdminClient(bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"].split(","))
settings = {"min.insync.replicas": "3"}
wanted = {"num_partitions": 1, "replication_factor": 2, "configs": settings}
admin.create_topics({os.environ["TOPIC"]: wanted})
