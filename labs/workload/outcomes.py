"""What follows from an error of a send: it was certainly not written, or nobody knows.

A send *failed* only where Kafka's protocol rules out that the record was written: it never left
the client, or it left it once and the broker's answer to it is one that a broker gives before it
appends. Every other send without an acknowledgement is *unknown*: the answer may have followed
an append, an earlier attempt may have been written, or there was no answer.

One table for each source: `PROTOCOL` for brokers, whose errors every client passes on, and
`KAFKA_PYTHON`, `LIBRDKAFKA` and `JAVA` for the errors of these clients themselves. Names are those
of `org.apache.kafka.common.protocol.Errors`; each client knows the same codes by names of its own.
Sources are classes and methods of Apache Kafka, or of the client.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from confluent_kafka import KafkaError as NativeError
from kafka.errors import BrokerResponseError

from labs.workload.history import Outcome


class Written(StrEnum):
    """Whether the attempt that ended with an error was written."""

    UNSENT = "unsent"  # the client never sent it, not even in an earlier attempt
    NO = "no"
    MAYBE = "maybe"
    YES = "yes"


class Said(NamedTuple):
    """One error: what follows from it, and the source of that."""

    written: Written
    source: str


Table = Mapping[str, Said]


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _table(written: Written, sources: Mapping[str, str]) -> Table:
    """`sources`: one or more names → why each of them says so."""
    return {name: Said(written, why) for names, why in sources.items() for name in names.split()}


# -- what brokers answer ---------------------------------------------------------------------------

#: Every error of the protocol (4.3.1), from code -1 on.
NAMES = _names("""
UNKNOWN_SERVER_ERROR NONE OFFSET_OUT_OF_RANGE CORRUPT_MESSAGE UNKNOWN_TOPIC_OR_PARTITION
INVALID_FETCH_SIZE LEADER_NOT_AVAILABLE NOT_LEADER_OR_FOLLOWER REQUEST_TIMED_OUT
BROKER_NOT_AVAILABLE REPLICA_NOT_AVAILABLE MESSAGE_TOO_LARGE STALE_CONTROLLER_EPOCH
OFFSET_METADATA_TOO_LARGE NETWORK_EXCEPTION COORDINATOR_LOAD_IN_PROGRESS COORDINATOR_NOT_AVAILABLE
NOT_COORDINATOR INVALID_TOPIC_EXCEPTION RECORD_LIST_TOO_LARGE NOT_ENOUGH_REPLICAS
NOT_ENOUGH_REPLICAS_AFTER_APPEND INVALID_REQUIRED_ACKS ILLEGAL_GENERATION
INCONSISTENT_GROUP_PROTOCOL INVALID_GROUP_ID UNKNOWN_MEMBER_ID INVALID_SESSION_TIMEOUT
REBALANCE_IN_PROGRESS INVALID_COMMIT_OFFSET_SIZE TOPIC_AUTHORIZATION_FAILED
GROUP_AUTHORIZATION_FAILED CLUSTER_AUTHORIZATION_FAILED INVALID_TIMESTAMP UNSUPPORTED_SASL_MECHANISM
ILLEGAL_SASL_STATE UNSUPPORTED_VERSION TOPIC_ALREADY_EXISTS INVALID_PARTITIONS
INVALID_REPLICATION_FACTOR INVALID_REPLICA_ASSIGNMENT INVALID_CONFIG NOT_CONTROLLER INVALID_REQUEST
UNSUPPORTED_FOR_MESSAGE_FORMAT POLICY_VIOLATION OUT_OF_ORDER_SEQUENCE_NUMBER
DUPLICATE_SEQUENCE_NUMBER INVALID_PRODUCER_EPOCH INVALID_TXN_STATE INVALID_PRODUCER_ID_MAPPING
INVALID_TRANSACTION_TIMEOUT CONCURRENT_TRANSACTIONS TRANSACTION_COORDINATOR_FENCED
TRANSACTIONAL_ID_AUTHORIZATION_FAILED SECURITY_DISABLED OPERATION_NOT_ATTEMPTED KAFKA_STORAGE_ERROR
LOG_DIR_NOT_FOUND SASL_AUTHENTICATION_FAILED UNKNOWN_PRODUCER_ID REASSIGNMENT_IN_PROGRESS
DELEGATION_TOKEN_AUTH_DISABLED DELEGATION_TOKEN_NOT_FOUND DELEGATION_TOKEN_OWNER_MISMATCH
DELEGATION_TOKEN_REQUEST_NOT_ALLOWED DELEGATION_TOKEN_AUTHORIZATION_FAILED DELEGATION_TOKEN_EXPIRED
INVALID_PRINCIPAL_TYPE NON_EMPTY_GROUP GROUP_ID_NOT_FOUND FETCH_SESSION_ID_NOT_FOUND
INVALID_FETCH_SESSION_EPOCH LISTENER_NOT_FOUND TOPIC_DELETION_DISABLED FENCED_LEADER_EPOCH
UNKNOWN_LEADER_EPOCH UNSUPPORTED_COMPRESSION_TYPE STALE_BROKER_EPOCH OFFSET_NOT_AVAILABLE
MEMBER_ID_REQUIRED PREFERRED_LEADER_NOT_AVAILABLE GROUP_MAX_SIZE_REACHED FENCED_INSTANCE_ID
ELIGIBLE_LEADERS_NOT_AVAILABLE ELECTION_NOT_NEEDED NO_REASSIGNMENT_IN_PROGRESS
GROUP_SUBSCRIBED_TO_TOPIC INVALID_RECORD UNSTABLE_OFFSET_COMMIT THROTTLING_QUOTA_EXCEEDED
PRODUCER_FENCED RESOURCE_NOT_FOUND DUPLICATE_RESOURCE UNACCEPTABLE_CREDENTIAL INCONSISTENT_VOTER_SET
INVALID_UPDATE_VERSION FEATURE_UPDATE_FAILED PRINCIPAL_DESERIALIZATION_FAILURE SNAPSHOT_NOT_FOUND
POSITION_OUT_OF_RANGE UNKNOWN_TOPIC_ID DUPLICATE_BROKER_REGISTRATION BROKER_ID_NOT_REGISTERED
INCONSISTENT_TOPIC_ID INCONSISTENT_CLUSTER_ID TRANSACTIONAL_ID_NOT_FOUND
FETCH_SESSION_TOPIC_ID_ERROR INELIGIBLE_REPLICA NEW_LEADER_ELECTED OFFSET_MOVED_TO_TIERED_STORAGE
FENCED_MEMBER_EPOCH UNRELEASED_INSTANCE_ID UNSUPPORTED_ASSIGNOR STALE_MEMBER_EPOCH
MISMATCHED_ENDPOINT_TYPE UNSUPPORTED_ENDPOINT_TYPE UNKNOWN_CONTROLLER_ID UNKNOWN_SUBSCRIPTION_ID
TELEMETRY_TOO_LARGE INVALID_REGISTRATION TRANSACTION_ABORTABLE INVALID_RECORD_STATE
SHARE_SESSION_NOT_FOUND INVALID_SHARE_SESSION_EPOCH FENCED_STATE_EPOCH INVALID_VOTER_KEY
DUPLICATE_VOTER VOTER_NOT_FOUND INVALID_REGULAR_EXPRESSION REBOOTSTRAP_REQUIRED
STREAMS_INVALID_TOPOLOGY STREAMS_INVALID_TOPOLOGY_EPOCH STREAMS_TOPOLOGY_FENCED
SHARE_SESSION_LIMIT_REACHED
""")

#: Given before anything is appended: this attempt wrote nothing.
_REFUSED = _table(
    Written.NO,
    {
        "CORRUPT_MESSAGE": "UnifiedLog.analyzeAndValidateRecords: the CRC is checked first",
        "INVALID_TOPIC_EXCEPTION": "ReplicaManager.appendToLocalLog: an internal topic",
        "MESSAGE_TOO_LARGE": "UnifiedLog.analyzeAndValidateRecords: max.message.bytes",
        "RECORD_LIST_TOO_LARGE": "UnifiedLog.append: larger than segment.bytes, checked before",
        "NOT_ENOUGH_REPLICAS": "Partition.appendRecordsToLeader asks for min.insync.replicas first",
        "INVALID_REQUIRED_ACKS": "ReplicaManager.appendRecords: isValidRequiredAcks comes first",
        "TOPIC_AUTHORIZATION_FAILED": "KafkaApis.handleProduceRequest: left out of the append",
        "CLUSTER_AUTHORIZATION_FAILED": "KafkaApis.handleProduceRequest: no right to write",
        "TRANSACTIONAL_ID_AUTHORIZATION_FAILED": "KafkaApis.handleProduceRequest: no right",
        "INVALID_TIMESTAMP": "LogValidator: the batch is refused as a whole (KIP-467)",
        "INVALID_RECORD": "LogValidator: the batch is refused as a whole (KIP-467)",
        "INVALID_REQUEST": "ProduceRequest.validateRecords: its form is checked first",
        "UNSUPPORTED_FOR_MESSAGE_FORMAT": "LogValidator: the record's format is checked first",
        "UNSUPPORTED_COMPRESSION_TYPE": "ProduceRequest.validateRecords: its codec comes first",
        "OUT_OF_ORDER_SEQUENCE_NUMBER": "ProducerAppendInfo.checkSequence, before the append",
        "UNKNOWN_PRODUCER_ID": "ProducerAppendInfo.checkSequence, before the append",
        "INVALID_PRODUCER_EPOCH": "ProducerAppendInfo.checkProducerEpoch, before the append",
        "PRODUCER_FENCED": "ProducerAppendInfo.checkProducerEpoch, before the append",
        "INVALID_TXN_STATE": "ReplicaManager asks the coordinator first (KIP-890)",
        "INVALID_PRODUCER_ID_MAPPING": "ReplicaManager asks the coordinator first (KIP-890)",
        "TRANSACTION_ABORTABLE": "ReplicaManager asks the coordinator first (KIP-890)",
    },
)

#: Returned when the records may already be in the leader's log.
_MAY_FOLLOW_AN_APPEND = _table(
    Written.MAYBE,
    {
        "UNKNOWN_SERVER_ERROR": "ReplicaManager.appendToLocalLog: whatever was thrown",
        "UNKNOWN_TOPIC_OR_PARTITION": "DelayedProduce: the topic was deleted while it waited",
        "NOT_LEADER_OR_FOLLOWER": "DelayedProduce: appended, and another led before all had it",
        "REQUEST_TIMED_OUT": "DelayedProduce: appended, and not all had it in time",
        "NETWORK_EXCEPTION": "said by a client: the answer was lost with the connection",
        "NOT_ENOUGH_REPLICAS_AFTER_APPEND": "Partition.checkEnoughReplicasReachOffset",
        "KAFKA_STORAGE_ERROR": "DelayedProduce: the disk went after the append, or in it",
        "UNKNOWN_TOPIC_ID": "as UNKNOWN_TOPIC_OR_PARTITION, of topics by id (KIP-516)",
    },
)

#: The records are in the log: an earlier attempt wrote them.
_ALREADY_WRITTEN = _table(
    Written.YES,
    {"DUPLICATE_SEQUENCE_NUMBER": "ProducerStateManager: this batch was appended before"},
)

#: Every error of the protocol but NONE. Most answer other requests (ProduceResponse's own list has
#: few), and prove nothing of a record.
PROTOCOL: Table = {
    **{n: Said(Written.MAYBE, "ProduceResponse does not list it") for n in NAMES if n != "NONE"},
    **_REFUSED,
    **_MAY_FOLLOW_AN_APPEND,
    **_ALREADY_WRITTEN,
}

# -- what clients say of themselves ----------------------------------------------------------------

#: kafka-python 3, by class. `send()` raises some of them before it takes the record (`never_sent`);
#: this is what they say when a future has them.
KAFKA_PYTHON = _table(
    Written.MAYBE,
    {
        "KafkaTimeoutError": "ProducerBatch: it expired, in the client or on the wire",
        "KafkaConnectionError NodeNotReadyError Cancelled": "the connection went before an answer",
        "KafkaProtocolError CorrelationIdError InvalidReceiveError": "an answer that can't be read",
        "IllegalStateError": "Sender: closed by force, whatever is on the wire",
        "TransactionAbortedError": "Sender: an aborted transaction's records may stand in the log",
        "KafkaError RetriableError InvalidMetadataError BrokerResponseError AuthorizationError"
        " QuotaViolationError": "a base class",
        "TooManyInFlightRequests StaleMetadata MetadataEmptyBrokerList UnknownBrokerIdError":
        "of the connection or the metadata: an earlier attempt may have been written",
        "IllegalArgumentError KafkaConfigurationError UnrecognizedBrokerVersion"
        " UnsupportedCodecError": "raised by calls of the program; in a future it proves nothing",
        "CommitFailedError NoOffsetForPartitionError LogTruncationError": "a consumer's",
    },
)  # fmt: skip

#: librdkafka 2, its own codes (-199 on). In a delivery report none proves anything, not even
#: `_PURGE_QUEUE` or `_MSG_TIMED_OUT`: a record that is in its queue may have been sent before.
#: After NOT_LEADER_OR_FOLLOWER it goes back there, uncounted by `retries` (rdkafka_request.c,
#: rd_kafka_handle_Produce_error), and that answer can follow an append. Its own status, PERSISTED,
#: NOT_PERSISTED or POSSIBLY_PERSISTED, would not tell either, and Python is not given it.
LIBRDKAFKA: Table = {
    **_table(
        Written.UNSENT,
        {
            "_QUEUE_FULL": "rd_kafka_curr_msgs_add: produce() alone says it, and took no record",
            "_KEY_SERIALIZATION _VALUE_SERIALIZATION": "SerializingProducer, before produce()",
        },
    ),
    **_table(
        Written.MAYBE,
        {
            "_MSG_TIMED_OUT": "rd_kafka_msgq_age_scan: in the queue or on the wire",
            "_TIMED_OUT _TIMED_OUT_QUEUE _TRANSPORT _AUTHENTICATION _SSL _RESOLVE"
            " _ALL_BROKERS_DOWN _CRIT_SYS_RESOURCE": "no answer: the connection, or the time",
            "_PURGE_QUEUE _PURGE_INFLIGHT _DESTROY _DESTROY_BROKER": "the program's own end of it;"
            " what is in the queue may have been sent before",
            "_FATAL _FENCED _GAPLESS_GUARANTEE _INCONSISTENT _STATE": "the idempotent or"
            " transactional producer broke off, whatever was on the wire",
            "_UNKNOWN_TOPIC _UNKNOWN_PARTITION": "the metadata has it no more: it may have been"
            " written before",
            "_ISR_INSUFF _RETRY _WAIT_CACHE _WAIT_COORD _NODE_UPDATE _OUTDATED _NOOP": "internal",
            "_BAD_MSG _BAD_COMPRESSION _UNDERFLOW _PARTIAL": "an answer that can't be read",
            "_FAIL _FS _INVALID_ARG _INVALID_TYPE _NOT_IMPLEMENTED _NOT_CONFIGURED _READ_ONLY"
            " _NOENT _UNSUPPORTED_FEATURE _UNKNOWN_PROTOCOL _INTR _IN_PROGRESS _PREV_IN_PROGRESS"
            " _CONFLICT _APPLICATION _UNKNOWN_BROKER": "other calls",
            "_PARTITION_EOF _UNKNOWN_GROUP _EXISTING_SUBSCRIPTION _ASSIGN_PARTITIONS"
            " _REVOKE_PARTITIONS _NO_OFFSET _KEY_DESERIALIZATION _VALUE_DESERIALIZATION"
            " _MAX_POLL_EXCEEDED _ASSIGNMENT_LOST _AUTO_OFFSET_RESET _LOG_TRUNCATION"
            " _INVALID_DIFFERENT_RECORD": "a consumer's",
        },
    ),
}

#: The Java client 4.3, by class. Its TimeoutException has the class of REQUEST_TIMED_OUT, whoever
#: ran out of time: for metadata, in the queue or on the wire.
JAVA: Table = {
    **_table(
        Written.UNSENT,
        {
            "BufferExhaustedException": "BufferPool.allocate, before the record is in a batch",
            "SerializationException": "KafkaProducer.doSend, before the record is in a batch",
        },
    ),
    **_table(
        Written.MAYBE,
        {
            "InterruptException": "send(), but also flush() and close()",
            "KafkaException": "a base class; Sender: closed by force, whatever is on the wire",
            "ApiException RetriableException RefreshRetriableException InvalidMetadataException"
            " ApplicationRecoverableException AuthenticationException AuthorizationException"
            " InvalidOffsetException": "a base class",
            "DisconnectException": "NetworkClient: the connection went before an answer",
            "SslAuthenticationException": "of a connection: an earlier one may have carried it",
            "TransactionAbortedException": "Sender: an aborted transaction's records may stand in"
            " the log",
            "RecordDeserializationException WakeupException": "a consumer's",
            "AuthorizerNotReadyException": "a broker's own, while it starts",
        },
    ),
}

#: Java's classes are named as the protocol's errors, but for these.
_JAVA_NAMES = {
    "UnknownServerException": "UNKNOWN_SERVER_ERROR",
    "CorruptRecordException": "CORRUPT_MESSAGE",
    "TimeoutException": "REQUEST_TIMED_OUT",
    "RecordTooLargeException": "MESSAGE_TOO_LARGE",
    "ControllerMovedException": "STALE_CONTROLLER_EPOCH",
    "NetworkException": "NETWORK_EXCEPTION",
    "InvalidTopicException": "INVALID_TOPIC_EXCEPTION",
    "RecordBatchTooLargeException": "RECORD_LIST_TOO_LARGE",
    "TopicAuthorizationException": "TOPIC_AUTHORIZATION_FAILED",
    "GroupAuthorizationException": "GROUP_AUTHORIZATION_FAILED",
    "ClusterAuthorizationException": "CLUSTER_AUTHORIZATION_FAILED",
    "TopicExistsException": "TOPIC_ALREADY_EXISTS",
    "InvalidConfigurationException": "INVALID_CONFIG",
    "OutOfOrderSequenceException": "OUT_OF_ORDER_SEQUENCE_NUMBER",
    "DuplicateSequenceException": "DUPLICATE_SEQUENCE_NUMBER",
    "InvalidPidMappingException": "INVALID_PRODUCER_ID_MAPPING",
    "InvalidTxnTimeoutException": "INVALID_TRANSACTION_TIMEOUT",
    "TransactionalIdAuthorizationException": "TRANSACTIONAL_ID_AUTHORIZATION_FAILED",
    "KafkaStorageException": "KAFKA_STORAGE_ERROR",
    "SaslAuthenticationException": "SASL_AUTHENTICATION_FAILED",
    "DelegationTokenDisabledException": "DELEGATION_TOKEN_AUTH_DISABLED",
    "UnsupportedByAuthenticationException": "DELEGATION_TOKEN_REQUEST_NOT_ALLOWED",
    "DelegationTokenAuthorizationException": "DELEGATION_TOKEN_AUTHORIZATION_FAILED",
    "GroupNotEmptyException": "NON_EMPTY_GROUP",
    "PrincipalDeserializationException": "PRINCIPAL_DESERIALIZATION_FAILURE",
    "FetchSessionTopicIdException": "FETCH_SESSION_TOPIC_ID_ERROR",
}

# -- looked up -------------------------------------------------------------------------------------

#: An error that no table has: somebody's newer one.
NOT_JUDGED = Said(Written.MAYBE, "nobody has judged it")


def by_code(code: int | None) -> Said:
    """A broker's answer, by its code."""
    name = name_of(code)
    return PROTOCOL.get(name, NOT_JUDGED) if name else NOT_JUDGED


def of_kafka_python(error: BaseException) -> Said:
    """An error that a future of kafka-python holds."""
    if isinstance(error, BrokerResponseError) and error.errno is not None:
        return by_code(error.errno)
    return KAFKA_PYTHON.get(type(error).__name__, NOT_JUDGED)


def of_librdkafka(error: NativeError) -> Said:
    """An error in a delivery report of librdkafka."""
    return LIBRDKAFKA.get(error.name()) or by_code(error.code())


def of_java(name: str) -> Said:
    """An exception of the Java client, by its class's own name."""
    return JAVA.get(name) or PROTOCOL.get(java_protocol_name(name), NOT_JUDGED)


def java_protocol_name(name: str) -> str:
    """The protocol's name of a Java exception, if it is one of the protocol's."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.removesuffix("Exception"))
    return _JAVA_NAMES.get(name, words.upper())


def name_of(code: int | None) -> str | None:
    """The protocol's name of an error's code; None for one that we do not know."""
    return NAMES[code + 1] if code is not None and -1 <= code < len(NAMES) - 1 else None


# -- judged ----------------------------------------------------------------------------------------


def left_by(said: Said, only_attempt: bool) -> Outcome:
    """The outcome of a send: *failed* only where no attempt can have been written."""
    refused = only_attempt and said.written is Written.NO
    return Outcome.FAIL if refused or said.written is Written.UNSENT else Outcome.UNKNOWN


def never_sent(error: BaseException) -> Outcome:  # noqa: ARG001 - as every judge
    """`send()` itself raised: a full buffer, no metadata, a record too large or of a wrong type.

    The client accepted nothing, whichever client it is.
    """
    return Outcome.FAIL


def after_one_try(error: BaseException) -> Outcome:
    """kafka-python with `retries=0`: the error is the end of the one and only attempt.

    Only then: with retries its error is that of the last attempt, and with idempotence (which
    wants retries) a fatal error also ends what is on the wire (Sender._maybe_abort_batches).
    """
    return left_by(of_kafka_python(error), only_attempt=True)


def after_retries(error: BaseException) -> Outcome:
    """kafka-python with retries: an earlier attempt may have been written."""
    return left_by(of_kafka_python(error), only_attempt=False)
