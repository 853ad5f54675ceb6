"""Takes a new producer after an error, and goes on with the next transaction."""

import os
import sys

from kafka import KafkaProducer
from kafka.errors import KafkaError

topic = os.environ["TOPIC"]


def connect() -> KafkaProducer:
    producer = KafkaProducer(
        bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"].split(","),
        transactional_id=f"{topic}-writer",
    )
    producer.init_transactions()
    return producer


def write(producer: KafkaProducer, batch: list[str]) -> None:
    producer.begin_transaction()
    for line in batch:
        producer.send(topic, line.encode())
    producer.commit_transaction()
    print(batch[-1].partition("|")[0], flush=True)


producer, batch = connect(), []
for line in sys.stdin:
    batch.append(line.strip())
    if len(batch) == 10:
        try:
            write(producer, batch)
        except KafkaError:
            producer = connect()
            write(producer, batch)
        batch = []
