"""Makes each present leader the first of the replicas, so that all leaders are preferred ones."""

import os

from kafka import KafkaAdminClient, TopicPartition

topic = os.environ["TOPIC"]
admin = KafkaAdminClient(bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"].split(","))
wanted = {}
for partition in admin.describe_topics([topic])[0]["partitions"]:
    leader, replicas = partition["leader_id"], partition["replica_nodes"]
    order = [leader, *(broker for broker in replicas if broker != leader)]
    wanted[TopicPartition(topic, partition["partition_index"])] = order
admin.alter_partition_reassignments(wanted)
