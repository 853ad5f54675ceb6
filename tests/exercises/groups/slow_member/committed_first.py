"""A thread handles the records, and they are committed when they are handed over to it."""

import json
import os
import time
from queue import Queue
from threading import Thread
from typing import Any

from kafka import KafkaConsumer

consumer = KafkaConsumer(
    os.environ["TOPIC"],
    group_id=os.environ["GROUP"],
    bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"].split(","),
    auto_offset_reset="earliest",
    enable_auto_commit=False,
)
todo: Queue[Any] = Queue()


def work() -> None:
    while True:
        record = todo.get()
        time.sleep(json.loads(record.value).get("takes_s", 0))
        print(record.partition, record.offset, flush=True)


Thread(target=work, daemon=True).start()
while True:
    batches = consumer.poll(timeout_ms=200)
    for records in batches.values():
        for record in records:
            todo.put(record)
    if batches:
        consumer.commit()
