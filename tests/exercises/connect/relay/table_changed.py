"""Drops the table when all that it knows has been sent."""

import os
import sqlite3
import time

from kafka import KafkaProducer

table = sqlite3.connect(os.environ["OUTBOX"])
producer = KafkaProducer(bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"].split(","))

rows_sent = 0
while True:
    rows = table.execute("SELECT id, key, value FROM outbox WHERE sent = 0 ORDER BY id LIMIT 50")
    for id, key, value in rows.fetchall():
        producer.send(os.environ["TOPIC"], value.encode(), key.encode()).get(timeout=60)
        table.execute("UPDATE outbox SET sent = 1 WHERE id = ?", (id,))
        rows_sent += 1
    table.commit()
    if rows_sent >= 100:
        table.execute("DROP TABLE outbox")
    time.sleep(0.1)
