"""How to be let in to somebody else's Kafka: one properties file, for every client we use.

`LABS_CLIENT_PROPERTIES` names a file such as clouds hand out, with the Java client's names
(`security.protocol`, `sasl.jaas.config`, `ssl.truststore.location` …, Kafka's documentation,
"Producer Configs"); librdkafka's (`sasl.username`, `ssl.ca.location` …) are understood, too. The
environment holds that path only. Passwords stay in this module: no `repr`, no error and no result
shows them.

A notebook says `KafkaProducer(bootstrap_servers=cluster.bootstrap)` on every Kafka alike.
That works because `adopt` puts all this into the defaults of kafka-python's three clients, once a
process: in the notebook's, and in those that we start for members of groups.
"""

from __future__ import annotations

import logging
import os
import re
import ssl
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import javaproperties

from labs.errors import BadInput

BOOTSTRAP = "LABS_BOOTSTRAP"
PROPERTIES = "LABS_CLIENT_PROPERTIES"

PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")

#: What is not about being let in (`acks`, `client.id` …) is passed over.
OURS = ("security.", "sasl.", "ssl.")

#: librdkafka's name → the Java client's, where both mean the same.
ALIASES = {
    "sasl.mechanisms": "sasl.mechanism",
    "ssl.ca.location": "ssl.truststore.location",
    "ssl.certificate.location": "ssl.keystore.location",
}
KNOWN = {
    *("security.protocol", "sasl.mechanism", "sasl.jaas.config", "sasl.username", "sasl.password"),
    *("ssl.truststore.location", "ssl.truststore.type", "ssl.truststore.password"),
    *("ssl.keystore.location", "ssl.keystore.type", "ssl.keystore.password"),
    *("ssl.key.location", "ssl.key.password", "ssl.endpoint.identification.algorithm"),
}

#: kafka-python's loggers that write down every byte sent, passwords too, if told to (DEBUG).
_TALKATIVE = ("kafka.protocol.parser", "kafka.net.connection")

_JAAS_OPTION = re.compile(r"""(\w+)\s*=\s*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^\s;"']+)""")
_PEM = b"-----BEGIN "


@dataclass(frozen=True)
class Security:
    """How to be let in. Without arguments: no encryption, and nobody asks who we are.

    Args:
        protocol: Kafka's `security.protocol`.
        mechanism: Kafka's `sasl.mechanism`.
        ca: PEM file of the authorities to trust; None: those of this machine.
        certificate: PEM file with our own certificate.
        key: PEM file with its private key; None: it is in the certificate's file.
        check_hostname: whether the broker's certificate must name the host we asked for.
    """

    protocol: str = "PLAINTEXT"
    mechanism: str = ""
    username: str = ""
    password: str = field(default="", repr=False)
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    key_password: str = field(default="", repr=False)
    check_hostname: bool = True

    @property
    def encrypted(self) -> bool:
        """Whether we speak TLS."""
        return self.protocol in ("SSL", "SASL_SSL")

    @property
    def asks_who(self) -> bool:
        """Whether we say by SASL who we are."""
        return self.protocol.startswith("SASL_")

    @cached_property
    def context(self) -> ssl.SSLContext | None:
        """What Python speaks TLS with; None: we don't.

        Raises:
            BadInput: a file holds no certificate or key, or its key's password is wrong.
        """
        if not self.encrypted:
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = self.check_hostname
        try:
            if self.ca is None:
                context.load_default_certs()
            else:
                context.load_verify_locations(self.ca)
        except ssl.SSLError:
            raise BadInput(f"{self.ca} holds no certificate that can be read") from None
        if self.certificate is not None:
            key = self.key or self.certificate
            try:
                # Given no password, OpenSSL would ask the terminal for one, and wait.
                context.load_cert_chain(self.certificate, key, self.key_password)
            except ssl.SSLError:
                raise BadInput(
                    f"the private key of {self.certificate} can't be used",
                    hint=f"look whether {key} holds it, and whether ssl.key.password opens it",
                ) from None
        return context

    def kafka_python(self) -> dict[str, Any]:
        """Options of kafka-python's clients; all of them, so that they replace earlier ones."""
        return {
            "security_protocol": self.protocol,
            "ssl_context": self.context,
            "sasl_mechanism": self.mechanism or None,
            "sasl_plain_username": self.username or None,
            "sasl_plain_password": self.password or None,
        }

    def librdkafka(self) -> dict[str, str]:
        """Options of confluent-kafka's clients."""
        options = {"security.protocol": self.protocol}
        if self.asks_who:
            options |= {
                "sasl.mechanism": self.mechanism,
                "sasl.username": self.username,
                "sasl.password": self.password,
            }
        if self.encrypted:
            options |= {
                "ssl.ca.location": str(self.ca or ""),
                "ssl.certificate.location": str(self.certificate or ""),
                "ssl.key.location": str(self.key or self.certificate or ""),
                "ssl.key.password": self.key_password,
                "ssl.endpoint.identification.algorithm": "https" if self.check_hostname else "none",
            }
        return {name: value for name, value in options.items() if value}


def current() -> Security:
    """How to be let in to the chosen cluster: only an external one asks.

    Raises:
        BadInput: the properties file can't be read, or says what can't be done.
    """
    from labs.cluster.choose import backend

    path = os.environ.get(PROPERTIES)
    if not path or backend() != "external":
        return Security()
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.INFO)
    return read(Path(path).expanduser())


def adopt(security: Security | None = None) -> None:
    """Let every kafka-python client of this process use it (None: the chosen cluster's)."""
    if security is None:
        security = current()
        if security == Security():
            return  # nothing to import kafka-python for
    from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer

    options = security.kafka_python()
    for client in (KafkaProducer, KafkaConsumer, KafkaAdminClient):
        client.DEFAULT_CONFIG.update(options)


# -- the properties file -----------------------------------------------------------------------


def properties(path: Path) -> dict[str, str]:
    """What the file says, name → value.

    Raises:
        BadInput: it is not there, can't be read, or is no properties file.
    """
    try:
        with path.open("rb") as file:
            return dict(javaproperties.load(file))
    except OSError as error:
        raise BadInput(f"{path} can't be read ({error.strerror})", hint=_NAME_IT) from None
    except ValueError:  # its words may be a password's
        raise BadInput(f"{path} is no properties file", hint=_NAME_IT) from None


_NAME_IT = f"{PROPERTIES} must name the client.properties of your Kafka"


def read(path: Path) -> Security:
    """How to be let in, by a properties file; paths in it start at its folder.

    Raises:
        BadInput: it can't be read, says what can't be done, or others can read its password.
    """
    told = {ALIASES.get(name, name): value.strip() for name, value in properties(path).items()}
    unknown = sorted(n for n in told if n.startswith(OURS) and n not in KNOWN)
    if unknown:
        raise BadInput(
            f"{path} says {unknown[0]}, which is not understood here",
            hint=f"understood are {', '.join(sorted(KNOWN))}",
        )
    security = Security(
        protocol=_one_of(path, told, "security.protocol", PROTOCOLS, "PLAINTEXT"),
        ca=_pem(path, told, "ssl.truststore"),
        certificate=_pem(path, told, "ssl.keystore"),
        key=_file(path, told, "ssl.key.location"),
        key_password=told.get("ssl.key.password", ""),
        check_hostname=_checks_hostname(told),
        **_who(path, told),
    )
    if security.password or security.key_password:
        _require_private(path)
    _ = security.context  # its files are looked at now, not by some client later
    return security


def _who(path: Path, told: Mapping[str, str]) -> dict[str, str]:
    """Mechanism, name and password, from librdkafka's entries or from Java's one."""
    if not told.get("security.protocol", "").upper().startswith("SASL_"):
        return {}
    mechanism = _one_of(path, told, "sasl.mechanism", MECHANISMS, "")
    jaas = dict(_jaas_option(m) for m in _JAAS_OPTION.finditer(told.get("sasl.jaas.config", "")))
    username = told.get("sasl.username") or jaas.get("username", "")
    password = told.get("sasl.password") or jaas.get("password", "")
    if not (username and password):
        raise BadInput(
            f"{path} gives no user name and password",
            hint="say sasl.username and sasl.password, or sasl.jaas.config with both",
        )
    return {"mechanism": mechanism, "username": username, "password": password}


def _jaas_option(found: re.Match[str]) -> tuple[str, str]:
    name, value = found.groups()
    if value[0] in "\"'":
        value = re.sub(r"\\(.)", r"\1", value[1:-1])
    return name, value


def _one_of(
    path: Path, told: Mapping[str, str], name: str, allowed: tuple[str, ...], default: str
) -> str:
    value = told.get(name, default).upper()
    if value not in allowed:
        said = f"says {name}={told[name]}" if name in told else f"says no {name}"
        raise BadInput(f"{path} {said}", hint=f"it can be {', '.join(allowed)}")
    return value


def _checks_hostname(told: Mapping[str, str]) -> bool:
    return told.get("ssl.endpoint.identification.algorithm", "https").lower() == "https"


def _file(path: Path, told: Mapping[str, str], name: str) -> Path | None:
    if not told.get(name):
        return None
    file = path.absolute().parent / Path(told[name]).expanduser()
    if not file.is_file():
        raise BadInput(
            f"{path} says {name}={told[name]}, and there is no such file",
            hint="a path in it starts at its own folder",
        )
    return file


def _pem(path: Path, told: Mapping[str, str], store: str) -> Path | None:
    """The PEM file of a store. Java's own formats (JKS, PKCS12) no other client reads."""
    file = _file(path, told, f"{store}.location")
    if file is not None and _PEM not in file.read_bytes():
        raise BadInput(
            f"{store}.location, {file}, is no PEM file",
            hint="`openssl pkcs12 -in STORE -nodes -out STORE.pem` makes one of a PKCS12 store;"
            " `keytool -importkeystore -deststoretype PKCS12` a PKCS12 store of a JKS one",
        )
    return file


def _require_private(path: Path) -> None:
    if os.name == "posix" and path.stat().st_mode & stat.S_IROTH:
        raise BadInput(
            f"{path} holds a password, and everybody on this machine can read it",
            hint=f"`chmod 600 {path}` lets only you",
        )
