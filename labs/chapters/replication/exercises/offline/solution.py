"""Who is in the ISR, or in the ELR, has every acknowledged record; nobody else may lead."""

import os

from kafka import KafkaAdminClient

admin = KafkaAdminClient(bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"].split(","))
told = admin.describe_topic_partitions([os.environ["TOPIC"]])
partition = told["topics"][0]["partitions"][0]
whole = partition["isr_nodes"] or partition["eligible_leader_replicas"] or []
well = [broker for broker in whole if str(broker) != os.environ["BROKEN_DISK"]]
print(f"start {well[0]}" if well else "impossible")
