"""Charges each booking once, and always the same."""

import json
import os
import sqlite3

from kafka import KafkaConsumer, KafkaProducer

books = sqlite3.connect(os.environ["OUT"])
books.execute("CREATE TABLE IF NOT EXISTS charges (booking INTEGER PRIMARY KEY, price INTEGER)")
servers = os.environ["KAFKA_BOOTSTRAP_SERVERS"].split(",")
producer = KafkaProducer(bootstrap_servers=servers)
consumer = KafkaConsumer(
    os.environ["TOPIC"],
    group_id=os.environ["GROUP"],
    bootstrap_servers=servers,
    auto_offset_reset="earliest",
    enable_auto_commit=False,
)

for record in consumer:
    booking = json.loads(record.value)
    with books:  # one transaction
        row = booking["booking"], 99
        books.execute("INSERT OR IGNORE INTO charges VALUES (?, ?)", row)
    print(record.partition, record.offset, flush=True)
    key = str(booking["booking"]).encode()
    producer.send(os.environ["PAID"], record.value, key).get(timeout=20)
    consumer.commit()
