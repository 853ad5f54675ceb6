"""The same transactional.id in each instance: who comes later fences the earlier, which ends."""

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
        producer.commit_transaction()  # a fenced producer gets an exception, which ends the program
        print(number, flush=True)
