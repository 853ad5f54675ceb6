"""The solution with confluent-kafka."""

import os
import sys

from confluent_kafka import Producer

topic = os.environ["TOPIC"]
producer = Producer(
    {
        "bootstrap.servers": os.environ["KAFKA_BOOTSTRAP_SERVERS"],
        "transactional.id": f"{topic}-writer",
    }
)
producer.init_transactions()

for line in sys.stdin:
    number = int(line.partition("|")[0])
    if number % 10 == 0:
        producer.begin_transaction()
    producer.produce(topic, line.strip().encode())
    if number % 10 == 9:
        producer.commit_transaction()
        print(number, flush=True)
