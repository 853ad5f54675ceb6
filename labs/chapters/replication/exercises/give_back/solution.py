"""Elect where the preferred leader is in the ISR, wait for the others, and look again."""

import os
import time

from kafka import KafkaAdminClient
from kafka.protocol.admin import ElectionType

topic = os.environ["TOPIC"]
servers = os.environ["KAFKA_BOOTSTRAP_SERVERS"].split(",")

while True:
    # A new client each time: an older one has not heard of the broker that came back.
    admin = KafkaAdminClient(bootstrap_servers=servers)
    partitions = admin.describe_topics([topic])[0]["partitions"]
    away = [p for p in partitions if p["leader_id"] != p["replica_nodes"][0]]
    if not away:
        break
    ready = [p["partition_index"] for p in away if p["replica_nodes"][0] in p["isr_nodes"]]
    if ready:
        admin.elect_leaders(ElectionType.PREFERRED, {topic: ready}, raise_errors=False)
    admin.close()
    print("waiting", flush=True)
    time.sleep(0.5)
