"""Marks what is acknowledged, and never commits: so the table stays locked for all others."""

import os
import sqlite3
import time

from kafka import KafkaProducer

table = sqlite3.connect(os.environ["OUTBOX"])
producer = KafkaProducer(bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"].split(","))

while True:
    rows = table.execute("SELECT id, key, value FROM outbox WHERE sent = 0 ORDER BY id LIMIT 50")
    for id, key, value in rows.fetchall():
        producer.send(os.environ["TOPIC"], value.encode(), key.encode()).get(timeout=60)
        table.execute("UPDATE outbox SET sent = 1 WHERE id = ?", (id,))
    time.sleep(0.1)
