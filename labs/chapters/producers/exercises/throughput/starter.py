"""Exercise 02.3: each line, `NUMBER FLIGHT`, to TOPIC; the numbers of those that are refused."""

import os
import sys

from kafka import KafkaProducer
from kafka.errors import KafkaError

producer = KafkaProducer(bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"].split(","))

for line in sys.stdin:
    number = line.split()[0]
    try:
        producer.send(os.environ["TOPIC"], line.strip().encode()).get(timeout=60)
    except KafkaError:
        print(number, flush=True)
