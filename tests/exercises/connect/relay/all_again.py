"""Knows in its memory alone what it has sent."""

import os
import sqlite3
import time

from kafka import KafkaProducer

table = sqlite3.connect(os.environ["OUTBOX"])
producer = KafkaProducer(bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"].split(","))

done = set()

while True:
    rows = table.execute("SELECT id, key, value FROM outbox ORDER BY id")
    for id, key, value in rows.fetchall():
        if id in done:
            continue
        producer.send(os.environ["TOPIC"], value.encode(), key.encode()).get(timeout=60)
        done.add(id)
    time.sleep(0.1)
