"""Deletes the queue when it is told to end."""

import json
import os
import signal
import sys

sys.path.append(os.environ["PACKAGES"])

import pika


def tidy_up(*_: object) -> None:
    """A connection of its own: that of the loop may be in the midst of something."""
    other = pika.BlockingConnection(pika.URLParameters(os.environ["AMQP_URL"])).channel()
    other.queue_delete(os.environ["QUEUE"])
    os._exit(0)


signal.signal(signal.SIGTERM, tidy_up)
channel = pika.BlockingConnection(pika.URLParameters(os.environ["AMQP_URL"])).channel()
channel.basic_qos(prefetch_count=1)

for method, _, body in channel.consume(os.environ["QUEUE"]):
    task = json.loads(body)
    if task["flaky"] and not method.redelivered:
        print(task["number"], "failed", flush=True)
        channel.basic_nack(method.delivery_tag, requeue=True)
    else:
        print(task["number"], "done", flush=True)
        channel.basic_ack(method.delivery_tag)
