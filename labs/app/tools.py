"""The names of Kafka's own console tools, as Kafka's `bin/` has them."""

from __future__ import annotations

_TOOLS = "org.apache.kafka.tools"
DUMP_LOG = "kafka-dump-log"

#: Name → the class that Kafka's script of that name runs, and what it is for.
TOOLS = {
    "kafka-broker-api-versions": (f"{_TOOLS}.BrokerApiVersionsCommand", "requests brokers know"),
    "kafka-configs": ("kafka.admin.ConfigCommand", "show and change dynamic settings"),
    "kafka-console-consumer": (f"{_TOOLS}.consumer.ConsoleConsumer", "print a topic's records"),
    "kafka-console-producer": (f"{_TOOLS}.ConsoleProducer", "send each line of standard input"),
    "kafka-consumer-groups": (
        f"{_TOOLS}.consumer.group.ConsumerGroupCommand",
        "show groups: members, committed offsets, lag; reset offsets",
    ),
    "kafka-consumer-perf-test": (f"{_TOOLS}.ConsumerPerformance", "measure a consumer"),
    "kafka-delete-records": (f"{_TOOLS}.DeleteRecordsCommand", "delete records up to an offset"),
    DUMP_LOG: (f"{_TOOLS}.DumpLogSegments", "print a segment: --files broker-1/TOPIC-0/*.log"),
    "kafka-features": (f"{_TOOLS}.FeatureCommand", "show feature levels (metadata.version …)"),
    "kafka-get-offsets": (f"{_TOOLS}.GetOffsetShell", "show where partitions begin and end"),
    "kafka-groups": (f"{_TOOLS}.GroupsCommand", "list groups of every type"),
    "kafka-leader-election": (f"{_TOOLS}.LeaderElectionCommand", "start an election"),
    "kafka-log-dirs": (f"{_TOOLS}.LogDirsCommand", "show the size of each replica on disk"),
    "kafka-metadata-quorum": (f"{_TOOLS}.MetadataQuorumCommand", "show the controllers (KRaft)"),
    "kafka-producer-perf-test": (f"{_TOOLS}.ProducerPerformance", "measure a producer"),
    "kafka-reassign-partitions": (
        f"{_TOOLS}.reassign.ReassignPartitionsCommand",
        "move replicas to other brokers",
    ),
    "kafka-share-groups": (f"{_TOOLS}.consumer.group.ShareGroupCommand", "show share groups"),
    "kafka-topics": (f"{_TOOLS}.TopicCommand", "list, describe, create, alter, delete topics"),
    "kafka-transactions": (f"{_TOOLS}.TransactionsCommand", "find and abort hanging transactions"),
}
