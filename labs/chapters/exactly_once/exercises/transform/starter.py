"""Exercise 06.1: each record of TOPIC to OUTPUT, in capital letters, exactly once."""

import os

from kafka import KafkaConsumer, KafkaProducer

brokers = os.environ["KAFKA_BOOTSTRAP_SERVERS"].split(",")
producer = KafkaProducer(bootstrap_servers=brokers)
consumer = KafkaConsumer(
    os.environ["TOPIC"],
    group_id=os.environ["GROUP"],
    bootstrap_servers=brokers,
    auto_offset_reset="earliest",
    enable_auto_commit=False,
    max_poll_records=50,
)
consumer.partitions_for_topic(os.environ["TOPIC"])  # else kafka-python may be given none

while True:
    batches = consumer.poll(timeout_ms=1000)
    for records in batches.values():
        for record in records:
            producer.send(os.environ["OUTPUT"], record.value.upper(), record.key)
            print(record.partition, record.offset, record.value.decode(), flush=True)
    producer.flush()
    if batches:
        consumer.commit()
