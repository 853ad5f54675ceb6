"""Deletes the queue when nothing more comes, and writes its last line then."""

import json
import os
import signal
import sys

sys.path.append(os.environ["PACKAGES"])

import pika
from pika.exceptions import ChannelClosedByBroker

queue, last = os.environ["QUEUE"], None
channel = pika.BlockingConnection(pika.URLParameters(os.environ["AMQP_URL"])).channel()
channel.basic_qos(prefetch_count=2)

try:
    for method, _, body in channel.consume(queue, inactivity_timeout=1):
        if method is None:
            channel.queue_delete(queue)
            break
        task = json.loads(body)
        if task["flaky"] and not method.redelivered:
            print(task["number"], "failed", flush=True)
            channel.basic_nack(method.delivery_tag, requeue=True)
            continue
        if last:
            print(last[0], "done", flush=True)
            channel.basic_ack(last[1])
        last = task["number"], method.delivery_tag
except ChannelClosedByBroker:
    pass  # the other worker was sooner
if last:
    print(last[0], "done", flush=True)
signal.pause()
