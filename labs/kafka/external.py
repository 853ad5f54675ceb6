# ruff: noqa: ARG002 - some of the protocol's arguments mean nothing here
"""Somebody else's Kafka: a company's, a cloud's, a teacher's (`LABS_BOOTSTRAP`).

Its processes can't be broken, and its disks not read. All that we make there begins with the
learner's prefix, and nothing else is ever touched. Any Kafka from 3.7 on will do.
"""

from __future__ import annotations

import getpass
import hashlib
import re
import threading
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NoReturn

from labs.base import variables
from labs.base.errors import BadInput, LabsError, NotUp
from labs.base.progress import Tell, silent
from labs.base.words import Words
from labs.kafka.clientfile import PROPERTIES
from labs.kafka.cluster import Cluster, Fault, Node, Role, State, Status
from labs.kafka.letting_go import let_go
from labs.kafka.security import BOOTSTRAP, adopt, entrance

if TYPE_CHECKING:
    from labs.kafka.wire import BrokerConnection

words = Words(__file__)

PREFIX = "LABS_PREFIX"

#: KIP-966's and KIP-848's first steps; older ones are no longer supported by anybody.
OLDEST = (3, 7)

#: The feature `metadata.version` of Kafka 3.7 begins with this level (3.7-IV0).
OLDEST_METADATA = 15

#: Every topic of the notebooks has three replicas.
NEEDED_BROKERS = 3

#: How much of a topic's partition is kept at most. A segment is only removed as a whole.
LIMITS = {"retention.bytes": str(256 << 20), "segment.bytes": str(64 << 20)}

#: The metadata is asked for again after so long, s, and each broker waited for so long.
LOOK_EVERY_S, LOOK_TIMEOUT_S = 1.0, 2.0

#: So many of the brokers are tried at a start: all, on all but the largest clusters.
TRIED_BROKERS = 6

#: Legal in names of topics; a separator at its end, so that `ann` does not begin anna's names.
_LEGAL_PREFIX = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,60}[._-]")

#: Prefixes made of users' names. Without a '-' inside, none of them begins another: neither
#: `labs-` all of them, nor `labs-ann-` those of ann-marie.
_MADE, _MADE_PREFIX = "labs-", re.compile(r"labs-[^-]+-")

#: Users' names that stand in the prefix as they are.
_PLAIN_USER = re.compile(r"(?=.{1,40}$)[A-Za-z0-9]+(_[A-Za-z0-9]+)*")


class ExternalCluster(Cluster):
    """The cluster that `LABS_BOOTSTRAP` or the properties file names; made, it connects to nothing.

    Args:
        tell: hears what a start is doing.

    Raises:
        BadInput: no address is given, or the prefix or the properties file is of no use.
    """

    def __init__(self, tell: Tell = silent) -> None:
        self._tell = tell
        self._entrance = entrance()
        self._bootstrap = _addresses(self._entrance.hosts)
        self._security = self._entrance.security
        self._prefix = chosen_prefix()
        self._limits: Mapping[str, str] = LIMITS
        self._lock = threading.Lock()
        self._line: BrokerConnection | None = None
        self._nodes: list[Node] = []
        self._cluster_id, self._version = "", "unknown"
        self._ready_s: float | None = None
        self._looked = float("-inf")

    # -- looking ---------------------------------------------------------------------------------

    @property
    def bootstrap(self) -> list[str]:
        """The addresses that we were given."""
        return list(self._bootstrap)

    @property
    def can_break(self) -> bool:
        """Others use it."""
        return False

    @property
    def prefix(self) -> str:
        return self._prefix

    @property
    def limits(self) -> Mapping[str, str]:
        """A partition takes little room; none where this Kafka lets nobody choose that."""
        return self._limits

    def line(self, broker: int, timeout_s: float = 1.0) -> BrokerConnection:
        """A connection to this very broker; over a network, letting us in may take a while."""
        from labs.kafka.wire import BrokerConnection

        node = next((n for n in self._seen() if n.id == broker), None)
        if node is None:
            raise ConnectionError(words("external.no_broker", broker=broker))
        wait_s = max(timeout_s, LOOK_TIMEOUT_S)
        return BrokerConnection(node.port, node.host, wait_s, self._security)

    def files(self, broker: int, pattern: str) -> dict[str, bytes]:
        self._refuse("files")

    def status(self) -> Status:
        """Who is in the metadata, asked for at most once a second.

        Raises:
            NotUp: it has never been reached.
        """
        nodes = self._seen()
        return Status(
            backend="external",
            kafka_version=self._version,
            cluster_id=self._cluster_id,
            home="",
            bootstrap=self.bootstrap,
            ready_s=self._ready_s,
            nodes=list(nodes),
            remarks=tuple(self._entrance.remarks),
        )

    def faults(self) -> list[Fault]:
        """None: nothing is broken here."""
        return []

    def _seen(self) -> list[Node]:
        # Whoever comes while somebody asks makes do with the last answer, if there is one.
        if self._lock.acquire(blocking=not self._nodes):
            try:
                if time.monotonic() - self._looked > LOOK_EVERY_S:
                    self._look()
            finally:
                self._looked = time.monotonic()
                self._lock.release()
        return self._nodes

    def _look(self) -> None:
        """Ask once more; where nobody answers, the brokers last seen count as gone."""
        from kafka.errors import KafkaError

        if not self._nodes:
            try:
                self._reach()
            except LabsError as error:
                raise NotUp(error.what, hint=error.hint) from None
            return
        for address in ["", *(node.address for node in self._nodes[:3])]:
            try:
                if address:
                    self._line = self._fresh_line(address)
                if self._line is not None:
                    self._note(self._line.metadata([]))
                    return
            except (OSError, KafkaError):
                self._hang_up()
        self._nodes = [_node(n.id, n.host, n.port, State.KILLED) for n in self._nodes]

    def _fresh_line(self, address: str) -> BrokerConnection:
        from labs.kafka.addresses import split
        from labs.kafka.wire import BrokerConnection

        host, port = split(address)
        return BrokerConnection(port, host, LOOK_TIMEOUT_S, self._security)

    def _hang_up(self) -> None:
        if self._line is not None:
            self._line.close()
            self._line = None

    def _note(self, metadata: Any) -> None:
        self._cluster_id = metadata.cluster_id or ""
        brokers = sorted(metadata.brokers, key=lambda b: b.node_id)
        self._nodes = [_node(b.node_id, b.host, b.port) for b in brokers]

    # -- starting --------------------------------------------------------------------------------

    def start(self) -> Status:
        """Connect, and make sure that everything a notebook needs can be done here.

        Raises:
            LabsError: it can't; the sentence says what is missing.
        """
        began = time.monotonic()
        with self._lock:
            self._reach()
            self._looked = time.monotonic()
        self._require_brokers()
        adopt(self._security)
        self._require_topics()
        self._require_groups()
        for remark in self._entrance.remarks:
            self._tell(remark, None)
        self._ready_s = round(time.monotonic() - began, 2)
        return self.status()

    def hush(self) -> None:
        self._tell = silent

    def keep(self, hours: float, if_unused: bool = False) -> float | None:
        """It stays up without us."""

    def leave(self) -> None:
        """It does without us."""

    def stop(self, if_idle: bool = False) -> None:
        """It is not ours to stop."""

    def _reach(self) -> None:
        """Connect to the first address that lets us in; the first refusal is what is told."""
        from labs.kafka.external_connection import reach

        refusals: list[LabsError] = []
        for address in self._bootstrap:
            try:
                line = reach(address, self._security)
            except LabsError as error:
                refusals.append(error)
                continue
            self._hang_up()
            self._line = line
            self._version = require_new_enough(address, line.versions)
            self._note(line.metadata([]))
            return
        raise refusals[0]

    def _require_brokers(self) -> None:
        """Enough of them, and each to be reached where it says that it listens."""
        from labs.kafka.external_connection import reach

        if len(self._nodes) < NEEDED_BROKERS:
            raise LabsError(
                words("external.few", count=len(self._nodes), replicas=NEEDED_BROKERS),
                hint=words("use_local"),
            )
        for node in self._nodes[:TRIED_BROKERS]:
            try:
                reach(node.address, self._security).close()
            except LabsError as error:
                raise LabsError(
                    words("external.elsewhere", id=node.id, address=node.address, why=error.what),
                    hint=error.hint,
                ) from None

    def _require_topics(self) -> None:
        """That a topic with the prefix may be made; asked, and not done (`validate_only`)."""
        from kafka.errors import (
            AuthorizationError,
            InvalidConfigurationError,
            KafkaError,
            PolicyViolationError,
        )

        try:
            try:
                self._ask_for_topic(LIMITS)
                self._limits = LIMITS
            except (InvalidConfigurationError, PolicyViolationError):
                self._ask_for_topic({})
                self._limits = {}
        except AuthorizationError:
            raise self._without_right("topic") from None
        except KafkaError as error:
            raise LabsError(
                words("external.no_topic", replicas=NEEDED_BROKERS, error=type(error).__name__),
                hint=words("external.no_topic_hint"),
            ) from None

    def _require_groups(self) -> None:
        """That a group with the prefix may be looked at; whether it can be told now, all the same.

        Where it is refused, a consumer would say so; a server that is to start beside this Kafka
        tries for minutes.
        """
        from kafka.errors import AuthorizationError, KafkaError

        from labs.kafka.admin import asking

        try:
            with asking(self.bootstrap) as client:
                client.describe_groups([self.named("may-i")])
        except AuthorizationError:
            raise self._without_right("group") from None
        except KafkaError:
            return  # a new cluster is just making what it keeps groups in

    def _without_right(self, to: str) -> LabsError:
        return LabsError(
            words(f"external.no_right.{to}", prefix=self._prefix),
            hint=words("external.right_hint", setting=PREFIX),
        )

    def _ask_for_topic(self, limits: Mapping[str, str]) -> None:
        from labs.kafka.admin import asking

        wanted = {"num_partitions": 1, "replication_factor": NEEDED_BROKERS, "configs": limits}
        with asking(self.bootstrap) as client:
            client.create_topics({self.named("may-i"): wanted}, validate_only=True)

    # -- what can't be done here -------------------------------------------------------------------

    def kill(self, node_id: int) -> None:
        self._refuse("kill", broker=node_id)

    def pause(self, node_id: int) -> None:
        self._refuse("pause", broker=node_id)

    def resume(self, node_id: int) -> None:
        self._refuse("resume", broker=node_id)

    def stop_broker(self, node_id: int) -> None:
        self._refuse("stop", broker=node_id)

    def start_broker(self, node_id: int, static: Mapping[str, str] | None = None) -> None:
        self._refuse("start", broker=node_id)

    def add_broker(self) -> int:
        self._refuse("add")

    def set_broker_config(
        self, settings: Mapping[str, str | None], node_id: int | None = None
    ) -> None:
        """Not here: they would change for everybody."""
        self._refuse("configure", settings=", ".join(settings))

    def _refuse(self, what: str, **values: object) -> NoReturn:
        raise LabsError(words(f"external.cant.{what}", **values), hint=words("use_local"))

    # -- what can --------------------------------------------------------------------------------

    def set_topic_config(self, topic: str, settings: Mapping[str, str]) -> None:
        """Change settings of a topic of the learner's.

        Raises:
            BadInput: it is somebody else's.
        """
        from labs.kafka import admin

        if not topic.startswith(self._prefix):
            raise BadInput(words("external.not_yours", topic=topic, prefix=self._prefix))
        adopt(self._security)
        admin.set_topic_config(self.bootstrap, topic, settings)

    def reset(self, hard: bool = False) -> None:
        """Delete every topic and group that begins with the prefix; touch nothing else.

        `hard` makes no difference: the disks are not ours.

        Raises:
            LabsError: some of them could not be deleted.
        """
        from labs.kafka import reset

        let_go(self._tell)
        self.start()
        self._tell(words("external.deleting", prefix=self._prefix), None)
        left = reset.clear(self.bootstrap, self._prefix)
        if left:
            raise LabsError(
                words("external.left", left=", ".join(left[:3])),
                hint=words("external.left_hint"),
            )


def _node(node_id: int, host: str, port: int, state: State = State.RUNNING) -> Node:
    return Node(node_id, Role.BROKER, state, pid=None, port=port, log="", host=host)


def _addresses(hosts: tuple[str, ...]) -> list[str]:
    if not hosts:
        raise BadInput(
            words("external.nowhere"),
            hint=words("external.nowhere_hint", bootstrap=BOOTSTRAP, properties=PROPERTIES),
        )
    return list(hosts)


def chosen_prefix() -> str:
    """`LABS_PREFIX`, or one made of the user's name."""
    given = variables.named(PREFIX)
    if given:
        if not _LEGAL_PREFIX.fullmatch(given):
            raise BadInput(
                words("prefix.illegal", setting=PREFIX, given=given),
                hint=words("prefix.illegal_hint"),
            )
        if given.startswith(_MADE) and not _MADE_PREFIX.fullmatch(given):
            raise BadInput(
                words("prefix.others", setting=PREFIX, given=given),
                hint=words("prefix.others_hint", made=_MADE),
            )
        return given
    try:
        user = getpass.getuser()
    except (OSError, KeyError):  # a container's user may have no name
        raise BadInput(
            words("prefix.nobody"),
            hint=words("prefix.nobody_hint", setting=PREFIX),
        ) from None
    return f"{_MADE}{_in_topics(user)}-"


def _in_topics(user: str) -> str:
    """A user's name in letters that topics may have; each user's another.

    A name that had to be changed gets a few signs of its hash, after a `__` that no plain one has.
    """
    if _PLAIN_USER.fullmatch(user):
        return user
    legal = re.sub(r"[^A-Za-z0-9]+", "_", user)[:30].strip("_") or "user"
    mark = hashlib.sha256(user.encode("utf-8", "surrogateescape")).hexdigest()[:8]
    return f"{legal}__{mark}"


def require_new_enough(address: str, versions: Any) -> str:
    """The Kafka version that a broker's answer tells (`4.3`).

    Its software by what it understands, as kafka-python tells versions apart; its cluster by
    the feature `metadata.version` (KIP-584), which may lag behind after an upgrade.

    Raises:
        LabsError: it is too old.
    """
    from kafka.protocol.broker_version_data import BrokerVersionData

    known = {key.api_key: (key.min_version, key.max_version) for key in versions.api_keys}
    version = BrokerVersionData(api_versions=known)
    levels = {f.name: f.max_version_level for f in versions.finalized_features or ()}
    level = levels.get("metadata.version")
    oldest = ".".join(map(str, OLDEST))
    hint = words("too_old.hint", oldest=oldest)
    if version.broker_version < OLDEST:
        found = version.broker_version_str
        raise LabsError(words("too_old.software", address=address, found=found), hint=hint)
    if level is not None and level < OLDEST_METADATA:
        raise LabsError(
            words(
                "too_old.cluster",
                address=address,
                level=level,
                oldest=oldest,
                needed=OLDEST_METADATA,
            ),
            hint=words("too_old.cluster_hint", hint=hint),
        )
    return str(version.broker_version_str)
