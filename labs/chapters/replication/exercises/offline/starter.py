"""Exercise 04.1: what to do about the offline partition of TOPIC: `start N` or `impossible`."""

import os

from kafka import KafkaAdminClient

admin = KafkaAdminClient(bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"].split(","))
partition = admin.describe_topics([os.environ["TOPIC"]])[0]["partitions"][0]
print("start", partition["replica_nodes"][0])
