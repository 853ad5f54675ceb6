"""Each batch in one transaction with the offset behind it; at the start, end what was left open."""

import os

from kafka import KafkaConsumer, KafkaProducer, OffsetAndMetadata
from kafka.errors import KafkaError

brokers = os.environ["KAFKA_BOOTSTRAP_SERVERS"].split(",")
producer = KafkaProducer(
    bootstrap_servers=brokers,
    transactional_id=f"capitals-{os.environ['GROUP']}",
    request_timeout_ms=5000,  # for so long it looks for a broker that is dead (30 s by default)
)
producer.init_transactions()
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
    for partition, records in consumer.poll(timeout_ms=1000).items():
        next_offset = OffsetAndMetadata(records[-1].offset + 1, "", -1)
        producer.begin_transaction()
        try:
            for record in records:
                producer.send(os.environ["OUTPUT"], record.value.upper(), record.key)
                print(record.partition, record.offset, record.value.decode(), flush=True)
            producer.send_offsets_to_transaction(
                {partition: next_offset}, consumer.group_metadata()
            )
            producer.commit_transaction()
        except KafkaError:
            producer.abort_transaction()
            consumer.seek(partition, records[0].offset)
