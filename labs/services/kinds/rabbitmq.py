"""RabbitMQ: a cluster of three nodes, so that quorum queues have three copies.

The programs are this system's own packages (Debian's, Ubuntu's), whose signature stands for our
hash, or the `rabbitmq-server` on PATH. So its version is the system's: 3.10.8 on Debian 12, 4.0.5
on Debian 13.

A trap, for whoever breaks nodes: a node that is killed within half a second or so of the creation
of a quorum queue forgets that it has a copy of it (its table of names, `names.dets`, is not on disk
yet), and begins the queue anew when it starts again. Wait for a second before you kill it.

A node holds no stream's copy for another: see `_advanced`.
"""

from __future__ import annotations

import re
import secrets
import shutil
from collections.abc import Callable, Mapping
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

from labs.base.files import write_atomically
from labs.kafka.cluster import Cluster
from labs.services.erlang import (
    DOWNLOAD_MB,
    PORTS_VARIABLE,
    WORD_VARIABLE,
    Installation,
    Ready,
    Root,
    check,
    environment,
    find,
    provide,
    root_of,
)
from labs.services.packages import Packages
from labs.services.server import Server
from labs.supervise.children import Launch
from labs.supervise.home import Home
from labs.supervise.ledger import Ledger, Record
from labs.supervise.ports import HOST, is_open

PACKAGES = Packages("rabbitmq")
USER, VHOST = "labs", "/"
#: How long a connection is waited for, s.
PATIENCE_S = 5
#: A peer that says nothing for twice that long is given up while we ask whether it is ready, s.
HEARTBEAT_S = 4
#: A queue by which we ask whether a node is ready is gone after that, come what may, ms.
PROBE_MS = 10_000

#: rabbitmq.conf.
SETTINGS = {
    "default_user": USER,
    "default_vhost": VHOST,
    "cluster_formation.peer_discovery_backend": "labs_rabbitmq",
    "cluster_formation.discovery_retry_limit": "600",
    "cluster_formation.discovery_retry_interval": "100",
    # A node that was cut off (or frozen for more than a minute) comes back by itself, and what a
    # majority does not know of is never acknowledged.
    "cluster_partition_handling": "pause_minority",
    # A node that holds more blocks those who publish. Without, each might take 40 % of all memory.
    "vm_memory_high_watermark.absolute": "400MB",
    # What a node has in memory of its quorum queues until it is in a segment's file: 512 MB, if not
    # told otherwise. (RabbitMQ's guide on quorum queues has 64 MB where memory is scarce.)
    "raft.wal_max_size_bytes": "32000000",
    "log.file": "false",
    "log.console": "true",
    "log.console.level": "info",
    "log.console.use_colors": "off",
}

#: Of the emulator ("erl" in Erlang's documentation): two cores, and no thread waits busily.
EMULATOR = (
    *("+W", "w", "+B", "i", "+S", "2:2", "+SDcpu", "1:1", "+SDio", "2", "+A", "1"),
    *("+sbwt", "none", "+sbwtdcpu", "none", "+sbwtdio", "none", "+P", "65536"),
    # As RabbitMQ's own script has them: they return memory early.
    *("+MBas", "ageffcbf", "+MHas", "ageffcbf", "+MBlmbcs", "512", "+MHlmbcs", "512"),
    *("+MMmcs", "30"),
)

#: Of applications. What os_mon would measure needs a process each, and nobody asks for it.
APPLICATIONS = {
    "kernel": {"prevent_overlapping_partitions": "false", "inet_dist_use_interface": "{127,0,0,1}"},
    "os_mon": dict.fromkeys(("start_cpu_sup", "start_disksup", "start_memsup"), "false"),
    "syslog": {"logger": "[]", "syslog_error_logger": "false"},
}

#: Names are looked up in here alone, by no helper process and by no server of names.
INETRC = """\
{lookup, [file]}.
{host, {127,0,0,1}, ["localhost"]}.
{hosts_file, ""}.
{resolv_conf, ""}.
"""


class RabbitMQ(Server):
    """Three nodes of RabbitMQ that form a cluster."""

    id = "rabbitmq"
    product = "RabbitMQ"
    licence = "MPL-2.0"
    download_mb = DOWNLOAD_MB
    memory_mb = 270
    starts_within_s = 8
    pinned = False
    parts = (PACKAGES, Ready())
    #: The second is for the other nodes.
    ports_for = ("clients", "distribution")
    ready_timeout_s = 120.0
    ids = (1, 2, 3)

    def __init__(self, home: Path, cluster: Callable[[], Cluster]) -> None:
        super().__init__(home, cluster)
        self._word = f"labs.service={home}"
        self.mark = re.escape(self._word)

    @property
    def version(self) -> str:
        """The version of the one that is here; empty where none is yet."""
        found = find()
        return found.version if found else ""

    def check(self) -> str:
        """Whether it can be had here, and how."""
        return check()

    def words(self, server: int) -> tuple[str, ...]:
        """What a node's command line holds; its helpers have the first."""
        return self._word, f"labs.node={server}"

    def new_facts(self) -> dict[str, str]:
        """A password for clients, and one (Erlang's "cookie") for the nodes among themselves."""
        return {
            **super().new_facts(),
            "password": secrets.token_urlsafe(16),
            "cookie": secrets.token_hex(16),
        }

    def launch(
        self, server: Record, ledger: Ledger, folder: Path, settings: Mapping[str, str]
    ) -> Launch:
        """Write a node's configuration; the other nodes' places stand in its command line."""
        if not self._formed.exists():
            # A cluster whose making was cut short: nobody was told of it, and half of it may be
            # missing. All of its nodes are dead now, and begin anew.
            shutil.rmtree(folder / self.disk, ignore_errors=True)
        installation = provide(lambda *_: None)
        root = root_of(installation)
        cookie = self.home / ".erlang.cookie"
        # A node that finds none makes one of its own: it must never be away while another starts.
        _write(cookie, ledger.facts["cookie"])
        own = {"listeners.tcp.1": f"{HOST}:{server.port}", "default_pass": ledger.facts["password"]}
        lines = [f"{name} = {value}" for name, value in {**SETTINGS, **own, **settings}.items()]
        _write(folder / "rabbitmq.conf", "\n".join([*lines, ""]))
        _write(folder / "advanced.config", _advanced(server))
        _write(folder / "enabled_plugins", "[].\n")
        _write(folder / "inetrc", INETRC)
        command = self._command(server, ledger, root)
        known = self._environment(server, ledger, folder, root, installation)
        return Launch(command, folder, known)

    @property
    def _formed(self) -> Path:
        """A file that is there once all three nodes have been one cluster."""
        return Home(self.home).data / "formed"

    def _command(self, server: Record, ledger: Ledger, root: Root) -> list[str]:
        inner = str(_inner_port(server))
        applications = {
            **APPLICATIONS,
            "kernel": {
                **APPLICATIONS["kernel"],
                "inet_dist_listen_min": inner,
                "inet_dist_listen_max": inner,
            },
        }
        chosen = [
            word
            for application, parameters in applications.items()
            for name, value in parameters.items()
            for word in (f"-{application}", name, value)
        ]
        return [
            str(root.programs / "erlexec"),
            *("-noinput", "-boot", "start_sasl", "-s", "rabbit", "boot"),
            *EMULATOR,
            *("-pa", str(root.modules), "-labs", *self.words(server.id)),
            *("-sname", f"{_node(server.id)}@localhost", "-start_epmd", "false"),
            # By the first the nodes find each other, by the second RabbitMQ its own port.
            *("-epmd_module", "labs_rabbitmq", "-labs_ports", _table(ledger)),
            *("-erl_epmd_port", inner),
            *chosen,
        ]

    def _environment(
        self,
        server: Record,
        ledger: Ledger,
        folder: Path,
        root: Root,
        installation: Installation,
    ) -> dict[str, str]:
        data = folder / self.disk
        return {
            **environment(root, installation),
            "HOME": str(self.home),  # with the cookie
            WORD_VARIABLE: self._word,
            PORTS_VARIABLE: _table(ledger),
            "ERL_LIBS": str(root.plugins),
            "ERL_INETRC": str(folder / "inetrc"),
            "ERL_MAX_PORTS": "4096",
            "ERL_CRASH_DUMP": "/dev/null",
            "RABBITMQ_HOME": str(installation.rabbitmq),
            "RABBITMQ_NODENAME": f"{_node(server.id)}@localhost",
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(folder / "advanced.config"),
            "RABBITMQ_CONF_ENV_FILE": str(folder / "none.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
            "RABBITMQ_PLUGINS_DIR": str(root.plugins),
            "RABBITMQ_PLUGINS_EXPAND_DIR": str(folder / "expanded"),
            "RABBITMQ_GENERATED_CONFIG_DIR": str(folder / "generated"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_PID_FILE": str(folder / "pid"),
            "RABBITMQ_MNESIA_BASE": str(data),
            "RABBITMQ_MNESIA_DIR": str(data / "node"),
            "RABBITMQ_FEATURE_FLAGS_FILE": str(data / "feature_flags"),
            "RABBITMQ_DIST_PORT": str(_inner_port(server)),
        }

    def ready(self, server: Record, facts: Mapping[str, str]) -> bool:
        """Whether it makes a queue that the next node sees: so all three see one another."""
        ledger = Ledger.load(Home(self.home).state_file)
        if ledger is None:
            return False
        following = ledger.servers[server.id % len(self.ids) + 1]
        if not (is_open(server.port) and is_open(following.port)):
            return False
        PACKAGES.use()
        from pika.exceptions import AMQPError

        try:
            _share_a_queue(server, following, facts)
        except AMQPError:
            return False
        if server.id == self.ids[-1]:  # the others were asked before
            self._formed.touch()
        return True

    def handle(self, servers: Mapping[int, Record], facts: Mapping[str, str]) -> Any:
        """A `pika.BlockingConnection` to node 1. No heartbeat ends it while you read."""
        return connected(servers[1], facts)


def connected(server: Record, facts: Mapping[str, str], heartbeat_s: int = 0) -> Any:
    """A connection of `pika` to one node.

    Args:
        server: the node.
        facts: what was noted of the cluster: the password.
        heartbeat_s: how often each side says that it lives, s; 0: never.

    Raises:
        pika.exceptions.AMQPError: it does not answer.
    """
    PACKAGES.use()
    import pika

    return pika.BlockingConnection(
        pika.ConnectionParameters(
            HOST,
            server.port,
            VHOST,
            pika.PlainCredentials(USER, facts["password"]),
            heartbeat=heartbeat_s,
            socket_timeout=PATIENCE_S,
            stack_timeout=PATIENCE_S,
        )
    )


def _share_a_queue(server: Record, following: Record, facts: Mapping[str, str]) -> None:
    """Make a queue by one node, look at it by another, and delete it.

    Raises:
        pika.exceptions.AMQPError: one of them does not answer, or does not know it.
    """
    name = f"labs.ready.{secrets.token_hex(4)}"
    with (
        closing(connected(server, facts, HEARTBEAT_S)) as here,
        closing(connected(following, facts, HEARTBEAT_S)) as there,
    ):
        channel = here.channel()
        # Durable: of queues that others may use, the newest RabbitMQ has no other.
        channel.queue_declare(name, durable=True, arguments={"x-expires": PROBE_MS})
        there.channel().queue_declare(name, passive=True)
        channel.queue_delete(name)


def _node(server: int) -> str:
    return f"rabbit-{server}"


def _inner_port(server: Record) -> int:
    """Where a node listens to the others."""
    return server.port + 1


def _table(ledger: Ledger) -> str:
    """Where each node listens to the others."""
    return ",".join(f"{_node(one.id)}={_inner_port(one)}" for one in ledger.servers.values())


def _advanced(server: Record) -> str:
    """advanced.config: what rabbitmq.conf has no words for.

    The copies of a stream would be sent by ports of their own, open to the network: no setting
    binds them. The only port that they are given here is taken, so a stream has no copies, and no
    port.
    """
    return f"[{{osiris, [{{port_range, {{{server.port}, {server.port}}}}}]}}].\n"


#: Write a file, at once and whole, for nobody else's eyes: two of them hold passwords.
_write = partial(write_atomically, private=True)

SERVER = RabbitMQ
