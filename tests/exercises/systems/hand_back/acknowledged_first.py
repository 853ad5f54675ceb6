"""Takes tasks that count as acknowledged when they are sent; sends failed ones anew."""

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
        again = json.dumps({**task, "flaky": False}).encode()
        channel.basic_publish("", os.environ["QUEUE"], again)
    else:
        print(task["number"], "done", flush=True)
