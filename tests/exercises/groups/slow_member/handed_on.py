"""A short max.poll.interval.ms: the group waits no longer, and the slow record goes round."""

import json
import os
import time
from contextlib import suppress

from kafka import KafkaConsumer
from kafka.errors import CommitFailedError

consumer = KafkaConsumer(
    os.environ["TOPIC"],
    group_id=os.environ["GROUP"],
    bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"].split(","),
    auto_offset_reset="earliest",
    enable_auto_commit=False,
    max_poll_interval_ms=5000,
)

while True:
    batches = consumer.poll(timeout_ms=1000)
    for records in batches.values():
        for record in records:
            time.sleep(json.loads(record.value).get("takes_s", 0))
            print(record.partition, record.offset, flush=True)
    if batches:
        with suppress(CommitFailedError):
            consumer.commit()
