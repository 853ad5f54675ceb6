"""Goes on behind the highest id that it has sent."""

import os
import sqlite3
import time

from kafka import KafkaProducer

table = sqlite3.connect(os.environ["OUTBOX"])
producer = KafkaProducer(bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"].split(","))

(last,) = table.execute("SELECT coalesce(max(id), 0) FROM outbox WHERE sent = 1").fetchone()

while True:
    rows = table.execute(
        "SELECT id, key, value FROM outbox WHERE id > ? ORDER BY id LIMIT 50", (last,)
    )
    for id, key, value in rows.fetchall():
        producer.send(os.environ["TOPIC"], value.encode(), key.encode()).get(timeout=60)
        table.execute("UPDATE outbox SET sent = 1 WHERE id = ?", (id,))
        table.commit()
        last = id
    time.sleep(0.1)
