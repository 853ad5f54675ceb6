"""Exercise 06.3: each line of standard input to TOPIC; after every tenth, its number."""

import os
import sys

from kafka import KafkaProducer

topic = os.environ["TOPIC"]
producer = KafkaProducer(bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"].split(","))

for line in sys.stdin:
    number = int(line.partition("|")[0])
    producer.send(topic, line.strip().encode())
    if number % 10 == 9:
        producer.flush()
        print(number, flush=True)
