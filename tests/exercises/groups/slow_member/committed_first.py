"""A thread a partition handles the records, and they are committed when they are handed over."""

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
consumer.partitions_for_topic(os.environ["TOPIC"])  # before it joins: it may get none else
todo: dict[int, Queue[Any]] = {}


def queue_of(partition: int) -> Queue[Any]:
    if partition not in todo:
        todo[partition] = Queue()
        Thread(target=work, args=(todo[partition],), daemon=True).start()
    return todo[partition]


def work(mine: Queue[Any]) -> None:
    while True:
        record = mine.get()
        time.sleep(json.loads(record.value).get("takes_s", 0))
        print(record.partition, record.offset, flush=True)


while True:
    batches = consumer.poll(timeout_ms=200)
    for records in batches.values():
        for record in records:
            queue_of(record.partition).put(record)
    if batches:
        consumer.commit()
