"""Commits a batch to Kafka as soon as it has come, before its rows are written."""

import os
import sqlite3

from kafka import KafkaConsumer

database = sqlite3.connect(os.environ["OUT"])
database.execute(
    'CREATE TABLE IF NOT EXISTS flights ("partition" INTEGER, "offset" INTEGER, value TEXT)'
)
consumer = KafkaConsumer(
    os.environ["TOPIC"],
    group_id=os.environ["GROUP"],
    bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"].split(","),
    auto_offset_reset="earliest",
    enable_auto_commit=False,
    max_poll_records=50,
)

while True:
    batches = consumer.poll(timeout_ms=1000)
    if batches:
        consumer.commit()
    for records in batches.values():
        for record in records:
            row = record.partition, record.offset, record.value.decode()
            database.execute("INSERT INTO flights VALUES (?, ?, ?)", row)
            database.commit()
            print(record.partition, record.offset, flush=True)
