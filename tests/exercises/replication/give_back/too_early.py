"""Elects once, and takes no notice of what the cluster answers."""

import os

from kafka import KafkaAdminClient
from kafka.protocol.admin import ElectionType

admin = KafkaAdminClient(bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"].split(","))
admin.elect_leaders(ElectionType.PREFERRED, [os.environ["TOPIC"]], raise_errors=False)
