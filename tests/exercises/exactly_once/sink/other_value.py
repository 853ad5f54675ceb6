"""Keeps the time of a record where its value belongs."""

import os
import sqlite3

from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

database = sqlite3.connect(os.environ["OUT"])
database.execute(
    'CREATE TABLE IF NOT EXISTS flights ("partition" INTEGER, "offset" INTEGER, value TEXT)'
)
database.execute(
    'CREATE TABLE IF NOT EXISTS places ("partition" INTEGER PRIMARY KEY, next INTEGER)'
)
consumer = Consumer(
    {
        "bootstrap.servers": os.environ["KAFKA_BOOTSTRAP_SERVERS"],
        "group.id": os.environ["GROUP"],
        "enable.auto.commit": False,
    }
)


def go_on(consumer: Consumer, assigned: list[TopicPartition]) -> None:
    """Begin where the rows end: not Kafka's offsets count, but the database's."""
    places = dict(database.execute("SELECT * FROM places"))
    for partition in assigned:
        partition.offset = places.get(partition.partition, OFFSET_BEGINNING)
    consumer.assign(assigned)


consumer.subscribe([os.environ["TOPIC"]], on_assign=go_on)
while True:
    records = [record for record in consumer.consume(50, timeout=1) if record.error() is None]
    rows = [(r.partition(), r.offset(), r.timestamp()[1]) for r in records]
    places = {partition: (offset or 0) + 1 for partition, offset, _ in rows}
    with database:  # one transaction
        database.executemany("INSERT INTO flights VALUES (?, ?, ?)", rows)
        database.executemany("INSERT OR REPLACE INTO places VALUES (?, ?)", places.items())
    for row in rows:
        print(*row[:2], flush=True)
