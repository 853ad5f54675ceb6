"""Leaves the number of replicas to the broker."""

import os

from kafka import KafkaAdminClient

admin = KafkaAdminClient(bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"].split(","))
wanted = {"num_partitions": 1}
admin.create_topics({os.environ["TOPIC"]: wanted})
