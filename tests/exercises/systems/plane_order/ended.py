"""A second consumer is refused."""

import json
import os
import sys
import time

sys.path.append(os.environ["PACKAGES"])

import pulsar

client = pulsar.Client(
    os.environ["PULSAR_URL"], logger=pulsar.ConsoleLogger(pulsar.LoggerLevel.Error)
)
consumer = client.subscribe(
    os.environ["TOPIC"], os.environ["SUBSCRIPTION"], pulsar.ConsumerType.Exclusive
)

while True:
    message = consumer.receive()
    event = json.loads(message.data())
    time.sleep(event["ms"] / 1000)
    print(event["plane"], event["number"], flush=True)
    consumer.acknowledge(message)
