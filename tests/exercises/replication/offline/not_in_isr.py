"""Starts the preferred leader, the first of the replicas."""

import os

from kafka import KafkaAdminClient

admin = KafkaAdminClient(bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"].split(","))
partition = admin.describe_topics([os.environ["TOPIC"]])[0]["partitions"][0]
well = [str(b) for b in partition["replica_nodes"] if str(b) != os.environ["BROKEN_DISK"]]
print(f"start {well[0]}" if well else "impossible")
