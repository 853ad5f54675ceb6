"""Leaves in the middle of a batch, and commits all of it."""

import os
import signal
import sys

from kafka import KafkaConsumer

consumer = KafkaConsumer(
    os.environ["TOPIC"],
    group_id=os.environ["GROUP"],
    bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"].split(","),
    auto_offset_reset="earliest",
    enable_auto_commit=False,
)
consumer.partitions_for_topic(os.environ["TOPIC"])  # else kafka-python may be given none

stopping: list[bool] = []
signal.signal(signal.SIGTERM, lambda *_: stopping.append(True))

while True:
    batches = consumer.poll(timeout_ms=1000)
    for records in batches.values():
        for record in records:
            print(record.partition, record.offset, record.value.decode(), flush=True)
            if stopping:
                consumer.commit()
                consumer.close()
                sys.exit()
    if batches:
        consumer.commit()
