"""SIGTERM sets a flag; between two batches the loop ends, and `close` leaves the group."""

import os
import signal
import threading

from kafka import KafkaConsumer

consumer = KafkaConsumer(
    os.environ["TOPIC"],
    group_id=os.environ["GROUP"],
    bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"].split(","),
    auto_offset_reset="earliest",
    enable_auto_commit=False,
    max_poll_records=50,
)
consumer.partitions_for_topic(os.environ["TOPIC"])  # else kafka-python may be given none

stopping = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stopping.set())

while not stopping.is_set():
    batches = consumer.poll(timeout_ms=1000)
    for records in batches.values():
        for record in records:
            print(record.partition, record.offset, record.value.decode(), flush=True)
    if batches:
        consumer.commit()
consumer.close()
