"""The solution with confluent-kafka, in a group of KIP-848's protocol."""

import json
import os
import sqlite3

from confluent_kafka import Consumer, Producer

books = sqlite3.connect(os.environ["OUT"])
books.execute("CREATE TABLE IF NOT EXISTS charges (booking INTEGER PRIMARY KEY, price INTEGER)")
servers = os.environ["KAFKA_BOOTSTRAP_SERVERS"]
producer = Producer({"bootstrap.servers": servers})
consumer = Consumer(
    {
        "bootstrap.servers": servers,
        "group.id": os.environ["GROUP"],
        "group.protocol": "consumer",
        "auto.offset.reset": "earliest",
        "enable.auto.commit": False,
    }
)
consumer.subscribe([os.environ["TOPIC"]])

while True:
    record = consumer.poll(1)
    if record is None or record.error() is not None:
        continue
    value = record.value() or b""
    booking = json.loads(value)
    with books:  # one transaction
        row = booking["booking"], booking["price"]
        books.execute("INSERT OR IGNORE INTO charges VALUES (?, ?)", row)
    print(record.partition(), record.offset(), flush=True)
    producer.produce(os.environ["PAID"], value, str(booking["booking"]))
    producer.flush()
    consumer.commit(asynchronous=False)
