"""A clean slate on a running cluster, through Kafka's own admin API."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import Any

from kafka import KafkaAdminClient, KafkaProducer, TopicPartition
from kafka.admin import AlterConfigOp, ConfigResource, ConfigResourceType, MemberToRemove
from kafka.errors import CoordinatorNotAvailableError, KafkaError
from kafka.structs import OffsetAndMetadata

from labs.base.errors import LabsError
from labs.kafka.admin import admin, alter_default, asking

#: How long a soft reset tries before a fresh cluster is quicker, s.
CLEAN_TIMEOUT_S = 10.0
PAUSE_S = 0.03

PREFERRED_ELECTION = 0

#: A partition that every cluster has, once it has a group.
OFFSETS = TopicPartition("__consumer_offsets", 0)

#: Where ELR is on, a fresh format itself sets this cluster-wide default (KIP-966).
FORMATTED_DEFAULT = ("min.insync.replicas", "1")

KINDS = (ConfigResourceType.BROKER, ConfigResourceType.GROUP, ConfigResourceType.CLIENT_METRICS)
DEFAULT_SOURCE = "DYNAMIC_DEFAULT_BROKER_CONFIG"


def clean(bootstrap: list[str], keep: Collection[str] = ()) -> bool:
    """Take back all that a learner may have made or changed; whether all of it is gone.

    `keep`: topics and groups whose names begin so stay.

    Each pass looks, and ends what it sees; the slate is clean when a pass sees nothing. A
    coordinator or leader that has just moved refuses for a moment: the next pass asks again, with
    a client of its own, since kafka-python's admin client never looks for a coordinator twice.
    Leaders come first, since a coordinator that moves while it is written to may fall asleep
    (`_wake`).
    """
    deadline = time.monotonic() + CLEAN_TIMEOUT_S
    while time.monotonic() < deadline:
        with suppress(KafkaError, LabsError), asking(bootstrap) as client:
            if not lead_as_preferred(client) and not any(
                [
                    drop_settings(client, bootstrap),
                    abort_transactions(client, bootstrap),
                    drop_topics(client, "", keep),
                    drop_groups(client, "", keep),
                ]
            ):
                return True
        time.sleep(PAUSE_S)
    return False


def clear(bootstrap: list[str], prefix: str) -> list[str]:
    """Delete the topics and groups whose names begin so, and nothing else.

    Returns the names of those that could not be deleted in time.
    """
    deadline = time.monotonic() + CLEAN_TIMEOUT_S
    while True:
        refused = ""
        with admin(bootstrap) as client:  # a new one each time, as above
            try:
                if not (drop_topics(client, prefix) | drop_groups(client, prefix)):
                    return []
            except KafkaError as error:
                refused = type(error).__name__
            if time.monotonic() > deadline:
                left = [*_topics(client, prefix), *(g["group_id"] for g in _groups(client, prefix))]
                return sorted(left) or [refused]
        time.sleep(PAUSE_S)


def replicas(bootstrap: list[str]) -> set[int]:
    """The brokers that hold a replica of anything."""
    with admin(bootstrap) as client:
        return {
            broker
            for topic in client.describe_topics()
            for partition in topic["partitions"]
            for broker in partition["replica_nodes"]
        }


def drop_settings(client: KafkaAdminClient, bootstrap: list[str]) -> bool:
    """Take back every dynamic setting (a topic's go with the topic)."""
    listed = client.list_config_resources(list(KINDS))
    resources = [
        ConfigResource(kind, name)
        for kind in KINDS
        for name in listed.get(kind.name.lower(), [])
        if name
    ]
    told = client.describe_configs(resources, include_synonyms=True, config_filter="all")
    changed = []
    defaults: dict[str, str] = {}
    for resource in resources:
        entries = told[resource.resource_type.name.lower()][resource.name]
        own = [name for name, entry in entries.items() if _is_own(entry["config_source"])]
        if own:
            deletions = {name: (AlterConfigOp.DELETE, None) for name in own}
            changed.append(ConfigResource(resource.resource_type, resource.name, deletions))
        # A broker's own setting hides the default of all brokers, but not from its synonyms.
        for entry in entries.values():
            defaults |= {
                s["name"]: s["value"] for s in entry["synonyms"] if s["source"] == DEFAULT_SOURCE
            }
    if changed:
        client.alter_configs(changed, raise_on_unknown=False)
    name, value = FORMATTED_DEFAULT
    wrong: dict[str, str | None] = {other: None for other in defaults if other != name}
    if defaults.get(name) != value:
        wrong[name] = value
    if wrong:
        alter_default(bootstrap, wrong)
    return bool(changed or wrong)


def _is_own(source: str) -> bool:
    return source.startswith("DYNAMIC_") and source != DEFAULT_SOURCE


def abort_transactions(client: KafkaAdminClient, bootstrap: list[str]) -> bool:
    """Abort what a killed producer left open, or its markers would turn up in later topics."""
    found = client.list_transactions(state_filters=["Ongoing"])
    names = [listing.transactional_id for listings in found.values() for listing in listings]
    for name in names:
        successor = KafkaProducer(bootstrap_servers=bootstrap, transactional_id=name)
        try:
            successor.init_transactions()
        finally:
            successor.close()
    return bool(names)


def _topics(client: KafkaAdminClient, prefix: str, keep: Collection[str] = ()) -> list[str]:
    """Those that begin so; never Kafka's internal topics, which hold no learner's record."""
    names = [topic["name"] for topic in client.describe_topics() if not topic["is_internal"]]
    return [name for name in names if _is_meant(name, prefix, keep)]


def _groups(client: KafkaAdminClient, prefix: str, keep: Collection[str] = ()) -> list[Any]:
    """Those that begin so; never Connect's workers: put out, they would come back at once."""
    named = [g for g in client.list_groups() if _is_meant(g["group_id"], prefix, keep)]
    return [group for group in named if not (is_connect(group) and group["group_state"] != "Empty")]


def _is_meant(name: str, prefix: str, keep: Collection[str]) -> bool:
    return name.startswith(prefix) and not name.startswith(tuple(keep))


def is_connect(group: Mapping[str, Any]) -> bool:
    """Whether a listed group's members are Connect's workers.

    What they tell of themselves is not what consumers do: kafka-python fails to describe them.
    """
    return group.get("protocol_type") == "connect"


def drop_topics(client: KafkaAdminClient, prefix: str = "", keep: Collection[str] = ()) -> bool:
    """Delete the learner's topics; whether there were any."""
    topics = _topics(client, prefix, keep)
    if topics:
        client.delete_topics(topics, timeout_ms=5000, raise_errors=False)
    return bool(topics)


def drop_groups(client: KafkaAdminClient, prefix: str = "", keep: Collection[str] = ()) -> bool:
    """Delete every group, its members put out first: a killed consumer stays for 45 s else."""
    groups = _groups(client, prefix, keep)
    inhabited = [g["group_id"] for g in groups if g["group_state"] != "Empty"]
    for name, group in client.describe_groups(inhabited).items() if inhabited else ():
        members = [
            MemberToRemove(group_instance_id=member["group_instance_id"])
            if member["group_instance_id"]
            else MemberToRemove(member_id=member["member_id"])
            for member in group["members"]
        ]
        if members:
            client.remove_group_members(name, members)
    told = client.delete_groups([group["group_id"] for group in groups]) if groups else {}
    for name, outcome in told.items():
        if outcome == CoordinatorNotAvailableError.__name__:
            _wake(client, name)
    return bool(groups)


def _wake(client: KafkaAdminClient, group: str) -> None:
    """Have the group's coordinator write something; the next pass asks it again.

    One that took its partition over while the last record there was not yet replicated may never
    hear that it is by now, and lets whoever asks for what needs no write wait for 5 s and fail,
    until the next write (Kafka 4.3.1; seen in 1 of 10 resets after two brokers were killed).
    """
    client.alter_group_offsets(group, {OFFSETS: OffsetAndMetadata(0, "", -1)})


def lead_as_preferred(client: KafkaAdminClient) -> bool:
    """Hand leadership back to the preferred replicas, as a cluster fresh from the box has it."""
    partitions = [
        partition
        for topic in client.describe_topics()
        if topic["is_internal"]
        for partition in topic["partitions"]
    ]
    if any(p["leader_id"] != p["replica_nodes"][0] for p in partitions):
        client.elect_leaders(PREFERRED_ELECTION, raise_errors=False)
        return True
    return any(len(p["isr_nodes"]) < len(p["replica_nodes"]) for p in partitions)
