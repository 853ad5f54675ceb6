"""A thread handles the records; the consumer pauses their partition, and goes on polling."""

import json
import os
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from kafka import KafkaConsumer, OffsetAndMetadata
from kafka.errors import KafkaError

consumer = KafkaConsumer(
    os.environ["TOPIC"],
    group_id=os.environ["GROUP"],
    bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"].split(","),
    auto_offset_reset="earliest",
    enable_auto_commit=False,
)
consumer.partitions_for_topic(os.environ["TOPIC"])  # before it joins: it may get none else
pool = ThreadPoolExecutor()
working: dict[Any, Future[int]] = {}


def handle(records: list[Any]) -> int:
    for record in records:
        time.sleep(json.loads(record.value).get("takes_s", 0))
        print(record.partition, record.offset, flush=True)
    return int(records[-1].offset) + 1


while True:
    for partition, records in consumer.poll(timeout_ms=500).items():
        consumer.pause(partition)
        working[partition] = pool.submit(handle, records)
    for partition, future in list(working.items()):
        if future.done():
            del working[partition]
            if partition in consumer.assignment():
                with suppress(KafkaError):  # a rebalance came between: they are handled again
                    consumer.commit({partition: OffsetAndMetadata(future.result(), "", -1)})
                consumer.resume(partition)
