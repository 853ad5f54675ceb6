"""Trusts acks=all, and leaves the minimum at its default of 1."""

import os

from kafka import KafkaAdminClient

admin = KafkaAdminClient(bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"].split(","))
settings = {"retention.ms": "-1"}
wanted = {"num_partitions": 1, "replication_factor": 3, "configs": settings}
admin.create_topics({os.environ["TOPIC"]: wanted})
