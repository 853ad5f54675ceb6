"""Has a transactional.id of its own in each instance."""

import os
import sys
import uuid

from kafka import KafkaProducer

topic = os.environ["TOPIC"]
producer = KafkaProducer(
    bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"].split(","),
    transactional_id=f"writer-{uuid.uuid4()}",
)
producer.init_transactions()

for line in sys.stdin:
    number = int(line.partition("|")[0])
    if number % 10 == 0:
        producer.begin_transaction()
    producer.send(topic, line.strip().encode())
    if number % 10 == 9:
        producer.commit_transaction()  # a fenced producer gets an exception, which ends the program
        print(number, flush=True)
