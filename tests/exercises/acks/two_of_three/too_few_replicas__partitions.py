"""Three partitions for three brokers, and one copy of each."""

import os

from kafka import KafkaAdminClient

admin = KafkaAdminClient(bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"].split(","))
wanted = {"num_partitions": 3, "replication_factor": 1}
admin.create_topics({os.environ["TOPIC"]: wanted})
