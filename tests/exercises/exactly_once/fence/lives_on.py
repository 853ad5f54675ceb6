"""Catches whatever happens, and goes on."""

import os
import sys

from kafka import KafkaProducer
from kafka.errors import KafkaError

topic = os.environ["TOPIC"]
producer = KafkaProducer(
    bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"].split(","),
    transactional_id=f"{topic}-writer",
)
producer.init_transactions()

for line in sys.stdin:
    number = int(line.partition("|")[0])
    try:
        if number % 10 == 0:
            producer.begin_transaction()
        producer.send(topic, line.strip().encode())
        if number % 10 == 9:
            producer.commit_transaction()
            print(number, flush=True)
    except KafkaError as error:
        print("something went wrong:", error, file=sys.stderr)
