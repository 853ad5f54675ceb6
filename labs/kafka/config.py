"""The settings of our nodes: the few that differ from Kafka's defaults, and why they do."""

from __future__ import annotations

from dataclasses import dataclass

from labs.kafka.cluster import CONTROLLER_ID
from labs.supervise.ports import HOST


@dataclass(frozen=True)
class LabSetting:
    """One setting that we changed. `default` is Kafka 4.3's own (a test asks the live broker)."""

    name: str
    value: str
    default: str
    why: str


#: Shown to learners in chapter 1 (`notebook.lab_settings`), so that nobody takes a lab's behaviour
#: for Kafka's default.
LAB_SETTINGS = (
    LabSetting(
        "broker.session.timeout.ms",
        "3000",
        "9000",
        "a killed leader is replaced after about 3 s instead of 9 s",
    ),
    LabSetting(
        "broker.heartbeat.interval.ms", "1000", "2000", "at most half of the session timeout"
    ),
    LabSetting(
        "auto.create.topics.enable", "false", "true", "a misspelt topic is an error, not a topic"
    ),
    LabSetting("group.initial.rebalance.delay.ms", "0", "3000", "a new group reads at once"),
    LabSetting(
        "group.consumer.min.session.timeout.ms",
        "6000",
        "45000",
        "a KIP-848 group, too, may be set to notice a dead member soon; 45 s unless set",
    ),
    LabSetting(
        "group.consumer.min.heartbeat.interval.ms",
        "1000",
        "5000",
        "and to learn of a change every second; 5 s unless set",
    ),
    LabSetting(
        "group.share.min.record.lock.duration.ms",
        "1000",
        "15000",
        "a share group may be set to give a record to another member soon; 30 s unless set",
    ),
    LabSetting(
        "group.share.min.session.timeout.ms",
        "6000",
        "45000",
        "and to notice a dead member soon; 45 s unless set",
    ),
    LabSetting(
        "group.share.min.heartbeat.interval.ms",
        "1000",
        "5000",
        "and to hear of a new member every second; 5 s unless set",
    ),
    LabSetting(
        "offsets.retention.check.interval.ms",
        "1000",
        "600000",
        "a committed offset that has expired is deleted within a second",
    ),
    LabSetting(
        "replica.fetch.backoff.ms",
        "100",
        "1000",
        "a follower that asks a leader too early, just after a topic was created or a leader"
        " elected, asks again sooner: acks=all need not wait a second for it",
    ),
    LabSetting("offsets.topic.num.partitions", "3", "50", "three brokers on a laptop start sooner"),
    LabSetting("transaction.state.log.num.partitions", "3", "50", "the same"),
    LabSetting("share.coordinator.state.topic.num.partitions", "3", "50", "the same"),
    LabSetting("log.cleaner.dedupe.buffer.size", "2097152", "134217728", "less memory a broker"),
    LabSetting("num.network.threads", "1", "3", "fewer threads for four nodes on two cores"),
    LabSetting("num.io.threads", "2", "8", "the same"),
    LabSetting("background.threads", "2", "10", "the same"),
    LabSetting("group.coordinator.threads", "1", "4", "the same"),
    LabSetting(
        "metadata.max.idle.interval.ms", "5000", "500", "an idle cluster wakes your laptop less"
    ),
    LabSetting(
        "metric.reporters",
        "",
        "org.apache.kafka.common.metrics.JmxReporter",
        "no JMX (with `metrics.jmx.exclude=.*`): a node starts with a sixth less work",
    ),
)

_VALUES = {setting.name: setting.value for setting in LAB_SETTINGS}

#: The controller gives a broker up when it has not heard of it for that long, s.
SESSION_S = int(_VALUES["broker.session.timeout.ms"]) / 1000

#: A broker that falls silent sent its last heartbeat up to so long before, s.
HEARTBEAT_S = int(_VALUES["broker.heartbeat.interval.ms"]) / 1000


def properties(node_id: int, port: int, quorum_port: int) -> str:
    """The node's `server.properties`; `quorum_port` is where the controller listens.

    Paths are relative to the node's folder, so that no space, comma or Korean letter of the
    learner's path ever reaches Kafka's parser.
    """
    controller = node_id == CONTROLLER_ID
    lines = {
        "node.id": str(node_id),
        "process.roles": "controller" if controller else "broker",
        "controller.quorum.voters": f"{CONTROLLER_ID}@{HOST}:{quorum_port}",
        "controller.listener.names": "CONTROLLER",
        "listeners": f"{'CONTROLLER' if controller else 'PLAINTEXT'}://{HOST}:{port}",
        "log.dirs": "records",
        # The rest of "no JMX": Kafka's older metrics heed this alone. It is not among the settings
        # that a broker tells the default of. A tenth less work until a node serves.
        "metrics.jmx.exclude": ".*",
        **_VALUES,
    }
    return "".join(f"{name}={value}\n" for name, value in lines.items())


def log_flags(**settings: str) -> tuple[str, ...]:
    """What a JVM is told of its log: `settings` of SLF4J's SimpleLogger, by their own names."""
    return tuple(f"-Dorg.slf4j.simpleLogger.{name}={value}" for name, value in settings.items())


#: To stdout, which the parent sends to the node's log file: a JVM that dies early, before any
#: logging is set up, then speaks in the very same file.
NODE_LOG = log_flags(
    logFile="System.out",
    showDateTime="true",
    dateTimeFormat="[yyyy-MM-dd HH:mm:ss,SSS]",
    showThreadName="false",
)
