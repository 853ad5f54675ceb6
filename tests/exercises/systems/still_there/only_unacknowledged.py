"""Counts in Pulsar what its subscription has not acknowledged."""

import os
import sys

sys.path += os.environ["PACKAGES"].split(":")

import pika
import pulsar
from kafka import KafkaConsumer, TopicPartition


def in_kafka() -> int:
    """All between the beginning and the end: a commit deletes nothing."""
    consumer = KafkaConsumer(bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"].split(","))
    place = TopicPartition(os.environ["TOPIC"], 0)
    count: int = consumer.end_offsets([place])[place] - consumer.beginning_offsets([place])[place]
    consumer.close()
    return count


def in_rabbitmq() -> int:
    """What nobody has acknowledged."""
    connection = pika.BlockingConnection(pika.URLParameters(os.environ["AMQP_URL"]))
    queue = connection.channel().queue_declare(os.environ["QUEUE"], passive=True)
    connection.close()
    return int(queue.method.message_count)


def in_pulsar() -> int:
    """What comes to the subscription that was there."""
    quiet = pulsar.FileLogger(pulsar.LoggerLevel.Error, os.devnull)
    client = pulsar.Client(os.environ["PULSAR_URL"], logger=quiet)
    consumer = client.subscribe(os.environ["PULSAR_TOPIC"], "board")
    count = 0
    try:
        while True:
            consumer.receive(3_000)
            count += 1
    except pulsar.Timeout:
        pass
    client.close()
    return count


print(in_kafka(), in_rabbitmq(), in_pulsar())
