"""Never looks whether a task fails."""

import json
import os
import sys

sys.path.append(os.environ["PACKAGES"])

import pika

channel = pika.BlockingConnection(pika.URLParameters(os.environ["AMQP_URL"])).channel()
channel.basic_qos(prefetch_count=1)

for method, _, body in channel.consume(os.environ["QUEUE"]):
    task = json.loads(body)
    print(task["number"], "done", flush=True)
    channel.basic_ack(method.delivery_tag)
