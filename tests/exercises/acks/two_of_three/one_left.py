"""Two copies, of which one is enough."""

import os

from kafka import KafkaAdminClient

admin = KafkaAdminClient(bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"].split(","))
wanted = {"num_partitions": 1, "replication_factor": 2}
admin.create_topics({os.environ["TOPIC"]: wanted})
