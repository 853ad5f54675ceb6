"""It closes its consumer in good order, and so leaves the group each time."""

import os
import signal

from kafka import KafkaConsumer

consumer = KafkaConsumer(
    os.environ["TOPIC"],
    group_id=os.environ["GROUP"],
    bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"].split(","),
    auto_offset_reset="earliest",
    enable_auto_commit=False,
)
running = True


def end(*_: object) -> None:
    global running
    running = False


signal.signal(signal.SIGTERM, end)
while running:
    batches = consumer.poll(timeout_ms=500)
    for records in batches.values():
        for record in records:
            print(record.partition, record.offset, flush=True)
    if batches:
        consumer.commit()
consumer.close()
