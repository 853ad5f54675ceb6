"""Reads the queue as a worker does: it is empty afterwards, and the count is right all the same."""

import os
import sys

sys.path += os.environ["PACKAGES"].split(":")

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
    """All that comes."""
    import pika

    connection = pika.BlockingConnection(pika.URLParameters(os.environ["AMQP_URL"]))
    taken = connection.channel().consume(os.environ["QUEUE"], auto_ack=True, inactivity_timeout=2)
    count = sum(method is not None for method, _, _ in iter(lambda: next(taken), (None,) * 3))
    connection.close()
    return count


def in_pulsar() -> int:
    """All ledgers that are left."""
    quiet = pulsar.FileLogger(pulsar.LoggerLevel.Error, os.devnull)
    client = pulsar.Client(os.environ["PULSAR_URL"], logger=quiet)
    reader = client.create_reader(os.environ["PULSAR_TOPIC"], pulsar.MessageId.earliest)
    count = 0
    while reader.has_message_available():
        reader.read_next(20_000)
        count += 1
    client.close()
    return count


# Where RabbitMQ can't be had, no queue is named.
counts = [in_kafka, in_rabbitmq, in_pulsar] if "QUEUE" in os.environ else [in_kafka, in_pulsar]
print(*(count() for count in counts))
