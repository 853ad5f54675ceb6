"""Exercise 10.3: one of two workers of QUEUE."""

import json
import os
import sys

sys.path.append(os.environ["PACKAGES"])

import pika

channel = pika.BlockingConnection(pika.URLParameters(os.environ["AMQP_URL"])).channel()

for method, _, body in channel.consume(os.environ["QUEUE"], auto_ack=True):
    task = json.loads(body)
    if task["flaky"] and not method.redelivered:
        print(task["number"], "failed", flush=True)
    else:
        print(task["number"], "done", flush=True)
