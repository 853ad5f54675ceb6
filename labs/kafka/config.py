"""The settings of our nodes: the few that differ from Kafka's defaults, and why they do."""

from __future__ import annotations

from dataclasses import dataclass

from labs.base.words import Words
from labs.kafka.cluster import CONTROLLER_ID
from labs.supervise.ports import HOST

words = Words(__file__)


@dataclass(frozen=True)
class LabSetting:
    """One setting that we changed. `default` is Kafka 4.3's own (a test asks the live broker).

    `ours`: we have set it; else it is what somebody else's broker says.
    """

    name: str
    value: str
    default: str
    ours: bool = True

    @property
    def why(self) -> str:
        """Why we changed it, in a sentence."""
        return words(f"setting.{self.name}") if self.ours else ""


#: Shown to learners in chapter 1 (`notebook.lab_settings`), so that nobody takes a lab's behaviour
#: for Kafka's default.
LAB_SETTINGS = (
    LabSetting("broker.session.timeout.ms", "3000", "9000"),
    LabSetting("broker.heartbeat.interval.ms", "1000", "2000"),
    LabSetting("auto.create.topics.enable", "false", "true"),
    LabSetting("group.initial.rebalance.delay.ms", "0", "3000"),
    LabSetting("group.consumer.min.session.timeout.ms", "6000", "45000"),
    LabSetting("group.consumer.min.heartbeat.interval.ms", "1000", "5000"),
    LabSetting("group.share.min.record.lock.duration.ms", "1000", "15000"),
    LabSetting("group.share.min.session.timeout.ms", "6000", "45000"),
    LabSetting("group.share.min.heartbeat.interval.ms", "1000", "5000"),
    LabSetting("offsets.retention.check.interval.ms", "1000", "600000"),
    LabSetting("replica.fetch.backoff.ms", "100", "1000"),
    LabSetting("offsets.topic.num.partitions", "3", "50"),
    LabSetting("transaction.state.log.num.partitions", "3", "50"),
    LabSetting("share.coordinator.state.topic.num.partitions", "3", "50"),
    LabSetting("log.cleaner.dedupe.buffer.size", "2097152", "134217728"),
    LabSetting("num.network.threads", "1", "3"),
    LabSetting("num.io.threads", "2", "8"),
    LabSetting("background.threads", "2", "10"),
    LabSetting("group.coordinator.threads", "1", "4"),
    LabSetting("metadata.max.idle.interval.ms", "5000", "500"),
    LabSetting("metric.reporters", "", "org.apache.kafka.common.metrics.JmxReporter"),
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
