"""A key again, in a group of KIP-848's protocol."""

import os
import sqlite3

from confluent_kafka import Consumer

database = sqlite3.connect(os.environ["OUT"])
database.execute(
    'CREATE TABLE IF NOT EXISTS flights ("partition" INTEGER, "offset" INTEGER, value TEXT,'
    ' PRIMARY KEY ("partition", "offset"))'
)
consumer = Consumer(
    {
        "bootstrap.servers": os.environ["KAFKA_BOOTSTRAP_SERVERS"],
        "group.id": os.environ["GROUP"],
        "group.protocol": "consumer",
        "auto.offset.reset": "earliest",
        "enable.auto.commit": False,
    }
)
consumer.subscribe([os.environ["TOPIC"]])

while True:
    records = [r for r in consumer.consume(50, timeout=1) if r.error() is None]
    for record in records:
        row = record.partition(), record.offset(), (record.value() or b"").decode()
        database.execute("INSERT OR IGNORE INTO flights VALUES (?, ?, ?)", row)
        database.commit()
        print(*row[:2], flush=True)
    if records:
        consumer.commit(asynchronous=False)
