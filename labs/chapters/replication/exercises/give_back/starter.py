"""Exercise 04.3: make the preferred leaders of TOPIC's partitions lead again."""

import os

from kafka import KafkaAdminClient
from kafka.protocol.admin import ElectionType

admin = KafkaAdminClient(bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"].split(","))
admin.elect_leaders(ElectionType.PREFERRED, [os.environ["TOPIC"]])
