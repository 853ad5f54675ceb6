"""The settings of a run that are not at their defaults, made from the very options that it gives.

Every client, topic, group and broker setting of a run passes through here (`Run.note`), so a list
of them can't forget one: an option is compared with its own client's default, and one whose default
we do not know is an error. Names are Kafka's own (`metadata.max.age.ms`).

>>> kafka_python("producer", {"linger_ms": 5, "acks": "all"})
(Departure(where='producer (kafka-python)', name='linger.ms', value=5, default=0),)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from labs.base.words import Words

words = Words(__file__)

Plain = str | int | float | bool | None


@dataclass(frozen=True)
class Departure:
    """One setting that is not at its default; `where` says whose. None: not set."""

    where: str
    name: str
    value: Plain
    default: Plain

    def as_dict(self) -> dict[str, Plain]:
        """The object that `labs run --json` prints."""
        return {
            "where": self.where,
            "name": self.name,
            "value": self.value,
            "default": self.default,
        }


# -- kafka-python ----------------------------------------------------------------------------------

#: Who a client is, where it connects and how it logs in: no behaviour of its own.
_IDENTITY = {"bootstrap_servers", "client_id", "group_id", "api_version", "transactional_id"}
_IDENTITY_OF = ("security_", "sasl_", "ssl_")

#: kafka-python's own; everything else is Kafka's name with underscores.
_NOT_KAFKAS = {"bootstrap_timeout_ms", "consumer_timeout_ms", "partitioner"}


def kafka_python(kind: str, options: Mapping[str, object], who: str = "") -> tuple[Departure, ...]:
    """Of a kafka-python client: `kind` is producer, consumer or admin client.

    Args:
        kind: which client it is.
        options: as its constructor gets them.
        who: whose client it is; `kind` unless given.

    Raises:
        LookupError: kafka-python knows no such option.
    """
    from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer

    classes = {
        "producer": KafkaProducer,
        "consumer": KafkaConsumer,
        "admin client": KafkaAdminClient,
    }
    defaults = classes[kind].DEFAULT_CONFIG
    given = {
        name: value
        for name, value in options.items()
        if name not in _IDENTITY and not name.startswith(_IDENTITY_OF)
    }
    if unknown := given.keys() - defaults.keys():
        raise LookupError(f"kafka-python's {kind} knows no {', '.join(sorted(unknown))}")
    pairs = {_dotted(name): (value, defaults[name]) for name, value in given.items()}
    return _differing(f"{who or kind} (kafka-python)", pairs)


def _dotted(name: str) -> str:
    return name if name in _NOT_KAFKAS else name.replace("_", ".")


# -- librdkafka ------------------------------------------------------------------------------------

#: librdkafka 2.x's own defaults of all that we set (its CONFIGURATION.md; a test asks the library,
#: whose Python coat has no call for it).
LIBRDKAFKA: Mapping[str, Plain] = {
    "acks": "all",
    "auto.commit.interval.ms": 5000,
    "auto.offset.reset": "latest",
    "batch.num.messages": 10_000,
    "batch.size": 1_000_000,
    "compression.type": "none",
    "delivery.timeout.ms": 300_000,
    "enable.auto.commit": True,
    "enable.idempotence": False,
    "fetch.min.bytes": 1,
    "fetch.wait.max.ms": 500,
    "group.instance.id": None,
    "group.protocol": "classic",
    "heartbeat.interval.ms": 3000,
    "isolation.level": "read_committed",
    "linger.ms": 5,
    "log_level": 6,
    "max.in.flight.requests.per.connection": 1_000_000,
    "max.poll.interval.ms": 300_000,
    "max.poll.records": 500,
    "message.timeout.ms": 300_000,
    "metadata.max.age.ms": 900_000,
    "partition.assignment.strategy": "range,roundrobin",
    "partitioner": "consistent_random",
    "queue.buffering.max.messages": 100_000,
    "reconnect.backoff.max.ms": 10_000,
    "request.timeout.ms": 30_000,
    "retries": 2_147_483_647,
    "retry.backoff.max.ms": 1000,
    "retry.backoff.ms": 100,
    "session.timeout.ms": 45_000,
    "share.acknowledgement.mode": "implicit",
    "socket.timeout.ms": 60_000,
    "statistics.interval.ms": 0,
}

#: Who a client is, and what it is let in by; `log_level` only silences it, `stats_cb` only listens.
_ALIKE = {"bootstrap.servers", "client.id", "group.id", "transactional.id", "log_level", "stats_cb"}
_ALIKE_OF = ("security.", "sasl.", "ssl.", "enable.ssl.")


def librdkafka(kind: str, options: Mapping[str, object], who: str = "") -> tuple[Departure, ...]:
    """Of a confluent-kafka client, which is librdkafka: `options` as its constructor gets them.

    Raises:
        LookupError: `LIBRDKAFKA` does not hold an option's default.
    """
    return _by_table(f"{who or kind} (confluent-kafka)", options, LIBRDKAFKA)


# -- Java ------------------------------------------------------------------------------------------

#: The Java producer's own defaults of all that we, or Kafka's console producer, set
#: (`ProducerConfig`; a test asks the jars).
JAVA_PRODUCER: Mapping[str, Plain] = {
    "acks": "all",
    "batch.size": 16384,
    "delivery.timeout.ms": 120_000,
    "enable.idempotence": True,
    "linger.ms": 5,
    "max.in.flight.requests.per.connection": 5,
    "request.timeout.ms": 30_000,
    "retries": 2_147_483_647,
    "send.buffer.bytes": 131_072,
}


def java_producer(who: str, options: Mapping[str, object]) -> tuple[Departure, ...]:
    """Of a Java producer, with the Java client's own names.

    Raises:
        LookupError: `JAVA_PRODUCER` does not hold an option's default.
    """
    return _by_table(f"{who} (Java)", options, JAVA_PRODUCER)


# -- brokers, groups and topics -------------------------------------------------------------------

#: Kafka's defaults of the brokers' and groups' settings that an experiment changes (a test asks a
#: live broker). The lab's own, which hold for every run, are `labs.kafka.config.LAB_SETTINGS`.
BROKER: Mapping[str, Plain] = {
    "broker.session.timeout.ms": 9000,
    "group.consumer.heartbeat.interval.ms": 5000,
    "group.consumer.session.timeout.ms": 45_000,
    "group.share.delivery.count.limit": 5,
    "group.share.heartbeat.interval.ms": 5000,
    "group.share.record.lock.duration.ms": 30_000,
    "group.share.session.timeout.ms": 45_000,
    "replica.lag.time.max.ms": 30_000,
}

#: Kafka's defaults of a group's settings that a broker has not (a test asks the jars).
GROUP: Mapping[str, Plain] = {"share.auto.offset.reset": "latest"}


def broker(where: str, settings: Mapping[str, object]) -> tuple[Departure, ...]:
    """Of a broker or the controller, started with other settings.

    Raises:
        LookupError: `BROKER` does not hold a setting's default.
    """
    return _by_table(where, settings, BROKER)


def group(settings: Mapping[str, object]) -> tuple[Departure, ...]:
    """Of a KIP-848 or a share group: its settings have the brokers' names, without `group.`.

    Raises:
        LookupError: neither `BROKER` nor `GROUP` holds a setting's default.
    """
    defaults = {**BROKER, **{f"group.{name}": default for name, default in GROUP.items()}}
    found = _by_table("group", {f"group.{n}": v for n, v in settings.items()}, defaults)
    return tuple(replace(d, name=d.name.removeprefix("group.")) for d in found)


#: A topic's defaults that a broker does not report: it computes this from `log.retention.hours`.
TOPIC: Mapping[str, str] = {"retention.ms": "604800000"}


def topic(
    told: Mapping[str, Mapping[str, Any]], given: Iterable[tuple[str, str]] = ()
) -> tuple[Departure, ...]:
    """Of a topic, from the brokers' answer to DescribeConfigs with synonyms.

    `given`: every (name, value) that it was ever set to, since a run may change one and change it
    back.
    """
    now = [(n, e["value"]) for n, e in told.items() if e["config_source"] == "DYNAMIC_TOPIC_CONFIG"]
    defaults = {name: _default_of(name, entry) for name, entry in told.items()}
    return tuple(
        Departure("topic", name, _number(value), _number(defaults[name]))
        for name, value in sorted(dict.fromkeys((*given, *now)), key=lambda pair: pair[0])
        if value != defaults[name]
    )


#: A topic knows these settings in ms, a broker by the hour and the minute, too.
_IN_MS = {"hours": 3_600_000, "minutes": 60_000}


def _default_of(name: str, entry: Mapping[str, Any]) -> str | None:
    """Kafka's default, which is the last that would be asked (KIP-226)."""
    known = [s for s in entry.get("synonyms") or () if s["source"] == "DEFAULT_CONFIG"]
    if not known:
        return TOPIC.get(name)
    value: str | None = known[-1]["value"]
    unit = known[-1]["name"].rpartition(".")[2]
    if value is not None and name.endswith(".ms") and unit in _IN_MS:
        return str(int(value) * _IN_MS[unit])
    return value


def _number(value: str | None) -> Plain:
    return int(value) if value is not None and value.lstrip("-").isdigit() else value


# -- what they share -------------------------------------------------------------------------------


def _by_table(
    where: str, options: Mapping[str, object], defaults: Mapping[str, Plain]
) -> tuple[Departure, ...]:
    given = {n: v for n, v in options.items() if n not in _ALIKE and not n.startswith(_ALIKE_OF)}
    if unknown := given.keys() - defaults.keys():
        raise LookupError(f"the defaults of {', '.join(sorted(unknown))} are not in our table")
    return _differing(where, {name: (value, defaults[name]) for name, value in given.items()})


def _differing(where: str, pairs: Mapping[str, tuple[object, object]]) -> tuple[Departure, ...]:
    plain = {name: (_plain(name, a), _plain(name, b)) for name, (a, b) in pairs.items()}
    return tuple(
        Departure(where, name, value, default)
        for name, (value, default) in plain.items()
        if str(value) != str(default)
    )


def _plain(name: str, value: Any) -> Plain:
    """As Kafka's documentation writes it."""
    if name == "acks":
        return "all" if value in (-1, "-1") else str(value)
    if name == "compression.type" and value is None:
        return "none"
    if isinstance(value, list | tuple):
        return ",".join(str(getattr(entry, "name", entry)) for entry in value)
    if value == float("inf"):
        return words("value.no_limit")
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return type(value).__name__.lstrip("_")


# -- in words --------------------------------------------------------------------------------------


def rows(departures: Iterable[Departure]) -> list[tuple[str, str, str, str]]:
    """(where, name, value, default) in words; several values of one setting share a row."""
    values: dict[tuple[str, str, str], list[str]] = {}
    for d in departures:
        key = (d.where, d.name, in_words(d.name, d.default))
        told = values.setdefault(key, [])
        if (value := in_words(d.name, d.value)) not in told:
            told.append(value)
    return [(where, name, "; ".join(told), default)
            for (where, name, default), told in values.items()]  # fmt: skip


def in_words(name: str, value: Plain) -> str:
    """The value as one writes it for Kafka, and what it means in a plain unit."""
    if value is None:
        return words("value.not_set")
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, int | float):
        return value
    if not name.endswith(("_ms", ".ms")):
        return f"{value}"
    if value < 100:
        return words("value.for_ever") if value == -1 else f"{value} ms"
    hours = value / 3_600_000
    return f"{value} ({hours:g} h)" if hours >= 1 else f"{value} ({value / 1000:g} s)"
