"""Exercise 06.2: each record of TOPIC into the table `flights` of the database OUT, once."""

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
)

while True:
    for records in consumer.poll(timeout_ms=1000).values():
        for record in records:
            row = record.partition, record.offset, record.value.decode()
            database.execute("INSERT INTO flights VALUES (?, ?, ?)", row)
            database.commit()
            print(record.partition, record.offset, flush=True)
