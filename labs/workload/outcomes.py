"""What an error leaves of a send: it was certainly not written, or nobody can say.

*Failed* is said only where Kafka's protocol rules out that the record was written: it never left
the client, or it left it once and the broker's answer to it is one that a broker gives before it
appends. Whatever else ends without an acknowledgement is *unknown*: the answer may have followed
an append, an earlier attempt may have been written, or there was no answer.

The names are those of `org.apache.kafka.common.protocol.Errors`; kafka-python and librdkafka know
the same codes by names of their own. Sources are classes and methods of Apache Kafka's broker.
"""

from __future__ import annotations

from enum import StrEnum

from kafka.errors import BrokerResponseError

from labs.workload.history import Outcome


class Written(StrEnum):
    """What a broker's answer says of the attempt that it answers."""

    NO = "no"
    MAYBE = "maybe"
    YES = "yes"


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split())


#: Given before anything is appended: this attempt wrote nothing.
REFUSED = {
    "CORRUPT_MESSAGE": "UnifiedLog.analyzeAndValidateRecords: the CRC is checked first",
    "INVALID_TOPIC_EXCEPTION": "ReplicaManager.appendToLocalLog: an internal topic",
    "MESSAGE_TOO_LARGE": "UnifiedLog.analyzeAndValidateRecords: max.message.bytes",
    "RECORD_LIST_TOO_LARGE": "UnifiedLog.append: larger than segment.bytes, checked before",
    "NOT_ENOUGH_REPLICAS": "Partition.appendRecordsToLeader asks for min.insync.replicas first",
    "INVALID_REQUIRED_ACKS": "ReplicaManager.appendRecords: isValidRequiredAcks comes first",
    "TOPIC_AUTHORIZATION_FAILED": "KafkaApis.handleProduceRequest: left out of what is appended",
    "CLUSTER_AUTHORIZATION_FAILED": "KafkaApis.handleProduceRequest: no right to write",
    "TRANSACTIONAL_ID_AUTHORIZATION_FAILED": "KafkaApis.handleProduceRequest: no right to write",
    "INVALID_TIMESTAMP": "LogValidator: the batch is refused as a whole (KIP-467)",
    "INVALID_RECORD": "LogValidator: the batch is refused as a whole (KIP-467)",
    "INVALID_REQUEST": "ProduceRequest.validateRecords: its form is checked first",
    "UNSUPPORTED_FOR_MESSAGE_FORMAT": "LogValidator: the record's format is checked first",
    "UNSUPPORTED_COMPRESSION_TYPE": "ProduceRequest.validateRecords: its codec is checked first",
    "OUT_OF_ORDER_SEQUENCE_NUMBER": "ProducerAppendInfo.checkSequence, before the append",
    "UNKNOWN_PRODUCER_ID": "ProducerAppendInfo.checkSequence, before the append",
    "INVALID_PRODUCER_EPOCH": "ProducerAppendInfo.checkProducerEpoch, before the append",
    "PRODUCER_FENCED": "ProducerAppendInfo.checkProducerEpoch, before the append",
    "INVALID_TXN_STATE": "ReplicaManager asks the coordinator first (KIP-890)",
    "INVALID_PRODUCER_ID_MAPPING": "ReplicaManager asks the coordinator first (KIP-890)",
    "TRANSACTION_ABORTABLE": "ReplicaManager asks the coordinator first (KIP-890)",
}

#: Given when the records may stand in the leader's log already.
MAY_FOLLOW_AN_APPEND = {
    "UNKNOWN_SERVER_ERROR": "ReplicaManager.appendToLocalLog: whatever was thrown, and whenever",
    "UNKNOWN_TOPIC_OR_PARTITION": "DelayedProduce: the topic was deleted while it waited",
    "NOT_LEADER_OR_FOLLOWER": "DelayedProduce: appended, and another led before all had it",
    "REQUEST_TIMED_OUT": "DelayedProduce: appended, and not all had it in time",
    "NETWORK_EXCEPTION": "said by a client: the answer was lost with the connection",
    "NOT_ENOUGH_REPLICAS_AFTER_APPEND": "Partition.checkEnoughReplicasReachOffset",
    "KAFKA_STORAGE_ERROR": "DelayedProduce: the disk went after the append; or half an append",
}

#: The records stand in the log: an earlier attempt wrote them.
ALREADY_WRITTEN = {
    "DUPLICATE_SEQUENCE_NUMBER": "ProducerStateManager: this batch was appended before"
}

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

#: kafka-python's own errors, no broker's answer: from a future they leave all open. A batch that
#: "expired" (KafkaTimeoutError) may have waited in the client, or on the wire: the error is one.
OF_KAFKA_PYTHON = _names("""
KafkaError RetriableError InvalidMetadataError Cancelled CommitFailedError IllegalArgumentError
IllegalStateError KafkaConfigurationError KafkaConnectionError KafkaProtocolError CorrelationIdError
InvalidReceiveError KafkaTimeoutError MetadataEmptyBrokerList NoOffsetForPartitionError
LogTruncationError NodeNotReadyError UnknownBrokerIdError QuotaViolationError StaleMetadata
TooManyInFlightRequests UnrecognizedBrokerVersion UnsupportedCodecError TransactionAbortedError
BrokerResponseError AuthorizationError
""")

#: librdkafka's own errors (codes from -199 on). In a delivery report none of them proves anything,
#: not even `_PURGE_QUEUE` or `_MSG_TIMED_OUT`: a record that is in its queue may have been sent
#: before. After NOT_LEADER_OR_FOLLOWER it goes back there, uncounted by `retries`
#: (rdkafka_request.c, rd_kafka_handle_Produce_error), and that answer can follow an append. Its
#: own status, PERSISTED, NOT_PERSISTED or POSSIBLY_PERSISTED, would not tell either, and Python is
#: not given it.
OF_LIBRDKAFKA = _names("""
_BAD_MSG _BAD_COMPRESSION _DESTROY _FAIL _TRANSPORT _CRIT_SYS_RESOURCE _RESOLVE _MSG_TIMED_OUT
_PARTITION_EOF _UNKNOWN_PARTITION _FS _UNKNOWN_TOPIC _ALL_BROKERS_DOWN _INVALID_ARG _TIMED_OUT
_QUEUE_FULL _ISR_INSUFF _NODE_UPDATE _SSL _WAIT_COORD _UNKNOWN_GROUP _IN_PROGRESS _PREV_IN_PROGRESS
_EXISTING_SUBSCRIPTION _ASSIGN_PARTITIONS _REVOKE_PARTITIONS _CONFLICT _STATE _UNKNOWN_PROTOCOL
_NOT_IMPLEMENTED _AUTHENTICATION _NO_OFFSET _OUTDATED _TIMED_OUT_QUEUE _UNSUPPORTED_FEATURE
_WAIT_CACHE _INTR _KEY_SERIALIZATION _VALUE_SERIALIZATION _KEY_DESERIALIZATION
_VALUE_DESERIALIZATION _PARTIAL _READ_ONLY _NOENT _UNDERFLOW _INVALID_TYPE _RETRY _PURGE_QUEUE
_PURGE_INFLIGHT _FATAL _INCONSISTENT _GAPLESS_GUARANTEE _MAX_POLL_EXCEEDED _UNKNOWN_BROKER
_NOT_CONFIGURED _FENCED _APPLICATION _ASSIGNMENT_LOST _NOOP _AUTO_OFFSET_RESET _LOG_TRUNCATION
_INVALID_DIFFERENT_RECORD _DESTROY_BROKER
""")


def written(name: str) -> Written:
    """What a broker's answer of that name says of the attempt that it answers.

    One that answers other requests only, or that we do not know, proves nothing of a record.
    """
    if name in REFUSED:
        return Written.NO
    return Written.YES if name in ALREADY_WRITTEN else Written.MAYBE


def name_of(code: int | None) -> str | None:
    """The protocol's name of an error's code; None for one that we do not know."""
    return NAMES[code + 1] if code is not None and -1 <= code < len(NAMES) - 1 else None


# -- judges: how `labs.workload.history.Send` asks -----------------------------------------------


def never_sent(error: BaseException) -> Outcome:  # noqa: ARG001 - as every judge
    """`send()` itself raised: a full buffer, no metadata, a record too large or without form.

    The client took nothing to send, whichever client it is.
    """
    return Outcome.FAIL


def after_one_try(error: BaseException) -> Outcome:
    """kafka-python with `retries=0`: the error is the end of the one and only attempt.

    Only then: with retries its error is that of the last attempt, and with idempotence (which
    wants retries) a fatal error also ends what is on the wire (Sender._maybe_abort_batches).
    """
    if not isinstance(error, BrokerResponseError):
        return Outcome.UNKNOWN
    name = name_of(error.errno)
    return Outcome.FAIL if name and written(name) is Written.NO else Outcome.UNKNOWN
