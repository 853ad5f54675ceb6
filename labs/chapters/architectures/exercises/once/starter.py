"""Exercise 13.1: charge each booking of TOPIC in the books OUT, and say so in PAID."""

import json
import os
import sqlite3

from kafka import KafkaConsumer, KafkaProducer

books = sqlite3.connect(os.environ["OUT"])
books.execute("CREATE TABLE IF NOT EXISTS charges (booking INTEGER, price INTEGER)")
servers = os.environ["KAFKA_BOOTSTRAP_SERVERS"].split(",")
producer = KafkaProducer(bootstrap_servers=servers)
consumer = KafkaConsumer(
    os.environ["TOPIC"],
    group_id=os.environ["GROUP"],
    bootstrap_servers=servers,
    auto_offset_reset="earliest",
)

for record in consumer:
    booking = json.loads(record.value)
    with books:  # one transaction
        row = booking["booking"], booking["price"]
        books.execute("INSERT INTO charges VALUES (?, ?)", row)
    print(record.partition, record.offset, flush=True)
    producer.send(os.environ["PAID"], record.value, str(booking["booking"]).encode())
