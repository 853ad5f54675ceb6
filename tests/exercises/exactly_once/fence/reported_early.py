"""Reports as soon as all ten are sent."""

import os
import sys

from kafka import KafkaProducer

topic = os.environ["TOPIC"]
producer = KafkaProducer(
    bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"].split(","),
    transactional_id=f"{topic}-writer",
)
producer.init_transactions()

for line in sys.stdin:
    number = int(line.partition("|")[0])
    if number % 10 == 0:
        producer.begin_transaction()
    producer.send(topic, line.strip().encode())
    if number % 10 == 9:
        print(number, flush=True)
        producer.commit_transaction()
