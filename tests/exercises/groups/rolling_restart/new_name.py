"""The name is another one at each start."""

import os

from kafka import KafkaConsumer

consumer = KafkaConsumer(
    os.environ["TOPIC"],
    group_id=os.environ["GROUP"],
    bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"].split(","),
    auto_offset_reset="earliest",
    enable_auto_commit=False,
    group_instance_id=f"{os.environ['INSTANCE']}-{os.getpid()}",
)

while True:
    batches = consumer.poll(timeout_ms=1000)
    for records in batches.values():
        for record in records:
            print(record.partition, record.offset, flush=True)
    if batches:
        consumer.commit()
