"""Gives up as soon as any disk is lost."""

import os

from kafka import KafkaAdminClient

admin = KafkaAdminClient(bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"].split(","))
told = admin.describe_topic_partitions([os.environ["TOPIC"]])
partition = told["topics"][0]["partitions"][0]
whole = partition["isr_nodes"] or partition["eligible_leader_replicas"] or []
lost = os.environ["BROKEN_DISK"]
print("impossible" if lost else f"start {whole[0]}")
