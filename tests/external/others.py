"""Other people's Kafka: three nodes with passwords, certificates and ACLs, made by the tests.

Its brokers are 0, 1 and 2, as in many a cloud. Everything in it is real: Kafka's own jars, TLS with
an authority of its own, SASL, and the authorizer. `ann` may do what she likes with what begins with
`ann-`; `bob` may nothing, unless a test lets him.
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path

import trustme
from cryptography.hazmat.primitives import serialization
from kafka import KafkaAdminClient

from labs.kafka.config import LAB_SETTINGS
from labs.kafka.installation import (
    Installation,
    ensure_installation,
    format_storage,
    jvm_environment,
    new_id,
)
from labs.kafka.wire import BrokerConnection
from labs.supervise.ports import HOST
from tests.helpers import free_ports
from tests.kafka_tools import kafka_tool

#: No other text of the project or of Kafka holds them: the tests look for them everywhere.
PASSWORD, KEY_PASSWORD = "Zitronenfalter=4711\\", "Admiral-4712"
#: Without the signs that each kind of text writes in a way of its own.
SECRETS = (PASSWORD.partition("=")[0], KEY_PASSWORD)
PREFIX = "ann-"

ADMIN, SASL, MTLS, EXPIRED, CONTROLLER = "ADMIN", "SASL", "MTLS", "EXPIRED", "CONTROLLER"
LISTENERS = {
    ADMIN: "PLAINTEXT",
    SASL: "SASL_SSL",
    MTLS: "SSL",
    EXPIRED: "SASL_SSL",
    CONTROLLER: "PLAINTEXT",
}
READY_TIMEOUT_S = 150.0

#: The JVM dies with us, however we end: then the shell's standard input ends.
LEASH = ["sh", "-c", '"$@" </dev/null & trap "kill -9 $!; wait" EXIT; cat >/dev/null', "sh"]


@dataclass(frozen=True)
class Papers:
    """Certificates in a folder: the authority's, brokers' (one expired), and ann's."""

    folder: Path

    @property
    def authority(self) -> Path:
        return self.folder / "authority.pem"

    @property
    def stranger(self) -> Path:
        """An authority that signed nothing here."""
        return self.folder / "stranger.pem"

    def make(self) -> None:
        authority = trustme.CA()
        authority.cert_pem.write_to_path(self.authority)
        trustme.CA().cert_pem.write_to_path(self.stranger)
        yesterday = datetime.now(UTC) - timedelta(days=1)
        self._write("broker", authority.issue_cert(HOST, "localhost"))
        self._write("expired", authority.issue_cert(HOST, "localhost", not_after=yesterday))
        self._write("ann", authority.issue_cert("ann.test", common_name="ann"), KEY_PASSWORD)

    def _write(self, name: str, made: trustme.LeafCert, password: str = "") -> None:
        """Key and chain in one file, as Kafka wants it: PKCS #8."""
        key = serialization.load_pem_private_key(made.private_key_pem.bytes(), None)
        lock: serialization.KeySerializationEncryption = serialization.NoEncryption()
        if password:
            lock = serialization.BestAvailableEncryption(password.encode())
        pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, lock)
        chain = b"".join(blob.bytes() for blob in made.cert_chain_pems)
        (self.folder / f"{name}.pem").write_bytes(pem + chain)


class Others:
    """The running cluster.

    `nodes`: how many; `form`: with which options it is formatted (`--release-version 3.7`);
    `settings`: of its nodes.
    """

    def __init__(
        self,
        folder: Path,
        nodes: int = 3,
        form: Sequence[str] = (),
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.folder, self.form, self.settings = folder, form, settings or {}
        self.ids = range(nodes)
        ports = free_ports(nodes * len(LISTENERS))
        names = [(node, listener) for node in self.ids for listener in LISTENERS]
        self._ports = dict(zip(names, ports, strict=True))
        self._leashes: list[subprocess.Popen[bytes]] = []
        self.papers = Papers(folder)

    def addresses(self, listener: str) -> list[str]:
        return [f"{HOST}:{self._ports[node, listener]}" for node in self.ids]

    def start(self) -> None:
        self.papers.make()
        installation = replace(
            ensure_installation(), checkpoint=self.folder / "bootstrap.checkpoint"
        )
        self._format(installation)
        cluster_id = new_id()
        for node in self.ids:
            folder = self.folder / f"node-{node}"
            folder.mkdir()
            format_storage(installation, folder / "records", cluster_id, node)
            (folder / "server.properties").write_text(self._properties(node))
            command = installation.command(("-Dlabs.others=1", f"-Dnode={node}"), f"node-{node}")
            with self._log(node).open("wb") as log:
                self._leashes.append(
                    subprocess.Popen(
                        [*LEASH, *command],
                        cwd=folder,
                        env=jvm_environment(),
                        stdin=subprocess.PIPE,
                        stdout=log,
                        stderr=subprocess.STDOUT,
                        start_new_session=True,
                    )
                )
        self._wait()

    def stop(self) -> None:
        for leash in self._leashes:
            assert leash.stdin is not None
            leash.stdin.close()
        for leash in self._leashes:
            leash.wait(timeout=20)

    def logs(self) -> str:
        return "".join(self._log(node).read_text("utf-8", "replace") for node in self.ids)

    def _log(self, node: int) -> Path:
        return self.folder / f"node-{node}.log"

    def _wait(self) -> None:
        """Until every node sees all of them."""
        deadline = time.monotonic() + READY_TIMEOUT_S
        waiting = list(self.ids)
        while waiting:
            assert time.monotonic() < deadline, self.logs()[-3000:]
            assert all(leash.poll() is None for leash in self._leashes), self.logs()[-3000:]
            time.sleep(0.1)
            waiting = [node for node in waiting if not self._sees_all(node)]

    def _sees_all(self, node: int) -> bool:
        try:
            with BrokerConnection(self._ports[node, ADMIN]) as line:
                return len(line.metadata([]).brokers) == len(self.ids)
        except OSError:
            return False

    def _format(self, installation: Installation) -> None:
        """The bootstrap checkpoint, with ann's SCRAM password in it (KIP-900)."""
        work = self.folder / "format"
        work.mkdir()
        (work / "server.properties").write_text(self._properties(0))
        secret = f"SCRAM-SHA-512=[name=ann,password={PASSWORD}]"
        arguments = ["format", "-t", new_id(), "-c", "server.properties", "--add-scram", secret]
        arguments += self.form
        done = subprocess.run(
            [
                str(installation.java.path),
                "-cp",
                installation.class_path,
                "kafka.tools.StorageTool",
                *arguments,
            ],
            cwd=work,
            env=jvm_environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        (work / "records" / "bootstrap.checkpoint").replace(installation.checkpoint)

    def _properties(self, node: int) -> str:
        listeners = [f"{name}://{HOST}:{self._ports[node, name]}" for name in LISTENERS]
        voters = [f"{n}@{HOST}:{self._ports[n, CONTROLLER]}" for n in self.ids]
        jaas = "org.apache.kafka.common.security"
        users = " ".join(f"user_{name}={_quoted(PASSWORD)}" for name in ("ann", "bob"))
        lines = {
            "node.id": str(node),
            "process.roles": "broker,controller",
            "controller.quorum.voters": ",".join(voters),
            "controller.listener.names": CONTROLLER,
            "listeners": ",".join(listeners),
            "advertised.listeners": ",".join(x for x in listeners if not x.startswith(CONTROLLER)),
            "listener.security.protocol.map": ",".join(f"{k}:{v}" for k, v in LISTENERS.items()),
            "inter.broker.listener.name": ADMIN,
            "log.dirs": "records",
            "num.partitions": "3",  # Kafka's default is 1, and not everybody's
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": "User:ANONYMOUS",  # whoever comes by the listener ADMIN
            "ssl.principal.mapping.rules": "RULE:^.*CN=([a-z]+).*$/$1/",
            f"listener.name.{MTLS.lower()}.ssl.client.auth": "required",
        }
        for name, paper in {SASL: "broker", MTLS: "broker", EXPIRED: "expired"}.items():
            own = f"listener.name.{name.lower()}"
            lines |= {
                f"{own}.ssl.keystore.type": "PEM",
                f"{own}.ssl.keystore.location": str(self.folder / f"{paper}.pem"),
                f"{own}.ssl.truststore.type": "PEM",
                f"{own}.ssl.truststore.location": str(self.papers.authority),
                f"{own}.sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-512",
                f"{own}.plain.sasl.jaas.config": f"{jaas}.plain.PlainLoginModule required {users};",
                f"{own}.scram-sha-512.sasl.jaas.config": f"{jaas}.scram.ScramLoginModule required;",
            }
        small = {s.name: s.value for s in LAB_SETTINGS if s.name.startswith(_SMALL)}
        text = "".join(
            f"{name}={value}\n" for name, value in {**lines, **small, **self.settings}.items()
        )
        return text.replace("\\", "\\\\")

    # -- as other people ---------------------------------------------------------------------------

    @contextmanager
    def admin(self) -> Iterator[KafkaAdminClient]:
        """Somebody who may do anything."""
        options = {"security_protocol": "PLAINTEXT", "sasl_mechanism": None, "ssl_context": None}
        client = KafkaAdminClient(bootstrap_servers=self.addresses(ADMIN), **options)
        try:
            yield client
        finally:
            client.close()

    def let_ann_in(self) -> None:
        """What the README has an administrator say: everything under her prefix, and no more."""
        self.let_in("ann", PREFIX, "--topic", "--group", "--transactional-id")

    def let_in(self, user: str, prefix: str, *kinds: str) -> None:
        """Let somebody do everything with what begins with a prefix, and is of these kinds."""
        kafka_tool(
            "org.apache.kafka.tools.AclCommand",
            *("--bootstrap-server", self.addresses(ADMIN)[0], "--add"),
            *("--allow-principal", f"User:{user}", "--operation", "All"),
            *("--resource-pattern-type", "prefixed"),
            *(word for kind in kinds for word in (kind, prefix)),
        )

    # -- as ann ------------------------------------------------------------------------------------

    def environment(self, listener: str, **entries: str) -> dict[str, str]:
        """What a learner sets: addresses, a prefix, and a properties file with these entries."""
        path = self.folder / f"client-{time.monotonic_ns()}.properties"
        lines = {"security.protocol": LISTENERS[listener], **_dotted(entries)}
        if "SSL" in lines["security.protocol"] and "ssl.truststore.location" not in lines:
            lines["ssl.truststore.location"] = str(self.papers.authority)
        text = "".join(f"{k}={v}\n".replace("\\", "\\\\") for k, v in lines.items())
        path.write_text(text, "latin-1")
        path.chmod(0o600)
        return {
            "LABS_CLUSTER": "external",
            "LABS_BOOTSTRAP": ",".join(self.addresses(listener)),
            "LABS_CLIENT_PROPERTIES": str(path),
            "LABS_PREFIX": PREFIX,
        }

    @cached_property
    def as_ann(self) -> dict[str, str]:
        """Ann by SCRAM, in the words of a cloud's console."""
        return self.environment(SASL, **jaas("ann", PASSWORD, "scram.Scram", "SCRAM-SHA-512"))


_SMALL = ("group.", "offsets.topic", "transaction.state", "share.", "log.cleaner", "num.", "back")


def jaas(user: str, password: str, module: str, mechanism: str) -> dict[str, str]:
    """As the Java client's documentation has it."""
    name = f"org.apache.kafka.common.security.{module}LoginModule"
    config = f"{name} required username={_quoted(user)} password={_quoted(password)};"
    return {"sasl_mechanism": mechanism, "sasl_jaas_config": config}


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _dotted(entries: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "."): value for name, value in entries.items()}


@contextmanager
def running(
    nodes: int = 3, form: Sequence[str] = (), settings: Mapping[str, str] | None = None
) -> Iterator[Others]:
    """A cluster for as long as the block lasts; gone without a trace however it ends."""
    with tempfile.TemporaryDirectory(prefix="others-") as folder:
        others = Others(Path(folder), nodes, form, settings)
        try:
            others.start()
            yield others
        finally:
            others.stop()
