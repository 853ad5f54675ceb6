"""Writes at once, and works on nothing."""

import json
import os
import sys

sys.path.append(os.environ["PACKAGES"])

import pulsar

client = pulsar.Client(
    os.environ["PULSAR_URL"], logger=pulsar.ConsoleLogger(pulsar.LoggerLevel.Error)
)
consumer = client.subscribe(
    os.environ["TOPIC"], os.environ["SUBSCRIPTION"], pulsar.ConsumerType.KeyShared
)

while True:
    message = consumer.receive()
    event = json.loads(message.data())
    print(event["plane"], event["number"], flush=True)
    consumer.acknowledge(message)
