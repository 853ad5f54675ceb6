"""The solution with confluent-kafka."""

import os

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

brokers = os.environ["KAFKA_BOOTSTRAP_SERVERS"]
producer = Producer(
    {"bootstrap.servers": brokers, "transactional.id": f"capitals-{os.environ['GROUP']}"}
)
producer.init_transactions()
consumer = Consumer(
    {
        "bootstrap.servers": brokers,
        "group.id": os.environ["GROUP"],
        "auto.offset.reset": "earliest",
        "enable.auto.commit": False,
    }
)
consumer.subscribe([os.environ["TOPIC"]])

while True:
    records = [record for record in consumer.consume(50, timeout=1) if record.error() is None]
    if not records:
        continue
    producer.begin_transaction()
    try:
        for record in records:
            value = record.value() or b""
            producer.produce(os.environ["OUTPUT"], value.upper(), record.key())
            print(record.partition(), record.offset(), value.decode(), flush=True)
        producer.send_offsets_to_transaction(
            consumer.position(consumer.assignment()), consumer.consumer_group_metadata()
        )
        producer.commit_transaction()
    except KafkaException as error:
        if not error.args[0].txn_requires_abort():
            raise
        producer.abort_transaction()
        first = records[0]
        begin = TopicPartition(os.environ["TOPIC"], first.partition() or 0, first.offset() or 0)
        consumer.seek(begin)
