"""Answers with the place at which the sink reads on."""

import os

from kafka import KafkaAdminClient

admin = KafkaAdminClient(bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"].split(","))
group = f"connect-{os.environ['CONNECTOR']}"
(offsets,) = admin.list_group_offsets({group: None}).values()
print(1, next(at.offset for place, at in offsets.items() if place.partition == 1))
