"""How to be let in to somebody else's Kafka: one properties file, for every client we use.

`LABS_CLIENT_PROPERTIES` names a file such as clouds hand out, with the Java client's names
(`security.protocol`, `sasl.jaas.config`, `ssl.truststore.location` …, Kafka's documentation,
"Producer Configs"); `clientfile` reads it, and says what else is understood. The environment holds
that path only. Passwords stay here and there: no `repr`, no error and no result shows them.

Nothing is ever unencrypted without a word: what hints at TLS or at a password and does not say
which protocol is refused, and an unencrypted way is a remark that the start tells.

A notebook says `KafkaProducer(bootstrap_servers=cluster.bootstrap)` on every Kafka alike.
That works because `adopt` puts all this into the defaults of kafka-python's three clients, once a
process: in the notebook's, and in those that we start for members of groups.
"""

from __future__ import annotations

import logging
import os
import re
import shlex
import ssl
import stat
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from labs.base import variables
from labs.base.errors import BadInput
from labs.base.words import Words
from labs.kafka.addresses import parse, split
from labs.kafka.backend import backend
from labs.kafka.clientfile import (
    MECHANISMS,
    PROPERTIES,
    PROTOCOLS,
    Settings,
    canonical,
    read_settings,
    require_filled_in,
)

words = Words(__file__)

BOOTSTRAP = "LABS_BOOTSTRAP"

#: kafka-python's loggers that write down every byte sent, passwords too, if told to (DEBUG).
_TALKATIVE = ("kafka.protocol.parser", "kafka.net.connection")

_JAAS_OPTION = re.compile(r"""(\w+)\s*=\s*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^\s;"']+)""")
_PEM = b"-----BEGIN "

#: The Java client's login modules, by the beginning of the mechanism's name.
_MODULES = {
    "PLAIN": "org.apache.kafka.common.security.plain.PlainLoginModule",
    "SCRAM": "org.apache.kafka.common.security.scram.ScramLoginModule",
}

#: So many ignored settings are named.
_NAMED = 6


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
        ignored: settings of the file that are not needed here.
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
    ignored: tuple[str, ...] = field(default=(), compare=False)

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
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.check_hostname = self.check_hostname
        try:
            if self.ca is None:
                context.load_default_certs()
            else:
                context.load_verify_locations(self.ca)
        except ssl.SSLError:
            raise BadInput(words("security.no_certificate", file=self.ca)) from None
        if self.certificate is not None:
            key = self.key or self.certificate
            try:
                # Given no password, OpenSSL would ask the terminal for one, and wait.
                context.load_cert_chain(self.certificate, key, self.key_password)
            except ssl.SSLError:
                raise BadInput(
                    words("security.no_key", file=self.certificate),
                    hint=words("security.no_key_hint", key=key),
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

    def java(self) -> dict[str, str]:
        """Settings of the Java client, with our certificate and key as text (PEM, KIP-651).

        Without an authority of its own: OpenSSL's list, as for the other clients.
        """
        options = {"security.protocol": self.protocol}
        if self.asks_who:
            name, password = (
                re.sub(r'(["\\])', r"\\\1", s) for s in (self.username, self.password)
            )
            module = _MODULES[self.mechanism.partition("-")[0]]
            options |= {
                "sasl.mechanism": self.mechanism,
                "sasl.jaas.config": f'{module} required username="{name}" password="{password}";',
            }
        if self.encrypted:
            ca = self.ca or ssl.get_default_verify_paths().cafile
            host = "https" if self.check_hostname else ""
            options["ssl.endpoint.identification.algorithm"] = host
            if ca:
                options |= {"ssl.truststore.type": "PEM", "ssl.truststore.location": str(ca)}
        if self.encrypted and self.certificate is not None:
            options |= {
                "ssl.keystore.type": "PEM",
                "ssl.keystore.certificate.chain": _blocks(self.certificate, "CERTIFICATE"),
                "ssl.keystore.key": _blocks(self.key or self.certificate, "PRIVATE KEY"),
            }
            if self.key_password:
                options["ssl.key.password"] = self.key_password
        return options


def _blocks(file: Path, kind: str) -> str:
    """The blocks of a PEM file whose names end with `kind`."""
    text = file.read_text("latin-1")
    found = re.finditer(rf"-----BEGIN ([\w ]*{kind})-----.*?-----END \1-----", text, re.DOTALL)
    return "\n".join(block[0] for block in found)


@dataclass(frozen=True)
class Entrance:
    """Where an external cluster is, and how to be let in. `hosts`: `host:port`, maybe none."""

    hosts: tuple[str, ...]
    security: Security

    @property
    def remarks(self) -> list[str]:
        """What whoever connects like this must know, a sentence each; often nothing."""
        told, security = [], self.security
        if not security.encrypted and not all(map(_is_this_machine, self.hosts)):
            what = "password" if security.mechanism == "PLAIN" else "nothing"
            told.append(words(f"security.open.{what}", protocol=security.protocol))
        if security.encrypted and not security.check_hostname:
            told.append(words("security.any_host", setting=_HOST_CHECK))
        if security.ignored:
            named, more = ", ".join(security.ignored[:_NAMED]), len(security.ignored) - _NAMED
            which = "some" if more > 0 else "all"
            told.append(words(f"security.ignored.{which}", named=named, more=more))
        return told


def _is_this_machine(host: str) -> bool:
    return split(host)[0].lower() in ("localhost", "127.0.0.1", "::1")


def entrance() -> Entrance:
    """What the environment says of the external cluster.

    `LABS_BOOTSTRAP` goes before the file's `bootstrap.servers`. A protocol may stand before the
    addresses or in the file; where both stand they must be the same.

    Raises:
        BadInput: an address is none, or the file can't be read or says what can't be done.
    """
    named = parse(variables.named(BOOTSTRAP))
    file = variables.named(PROPERTIES)
    if not file:
        return Entrance(named.hosts, _by_address(named.protocol))
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.INFO)
    path = Path(os.path.expanduser(file))  # noqa: PTH111 - leaves an unknown user's ~ alone
    settings = read_settings(path)
    in_file = parse(settings.values.get("bootstrap.servers", ""))
    return Entrance(
        named.hosts or in_file.hosts,
        _secured(
            path, settings, {BOOTSTRAP: named.protocol, "bootstrap.servers": in_file.protocol}
        ),
    )


def current() -> Security:
    """How to be let in to the chosen cluster: only an external one asks.

    Raises:
        BadInput: as `entrance` does.
    """
    return entrance().security if backend() == "external" else Security()


def _by_address(protocol: str) -> Security:
    """Without a file: as the address says, if that is enough."""
    if protocol.startswith("SASL_"):
        raise BadInput(
            words("security.needs_user", where=BOOTSTRAP, protocol=protocol),
            hint=words("security.needs_user_hint", properties=PROPERTIES),
        )
    return Security(protocol or "PLAINTEXT")


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


# -- the properties file ---------------------------------------------------------------------------


def read(path: Path) -> Security:
    """How to be let in, by a properties file; paths in it start at its folder.

    Raises:
        BadInput: it can't be read, says what can't be done, or others can read its password.
    """
    settings = read_settings(path)
    protocol = parse(settings.values.get("bootstrap.servers", "")).protocol
    return _secured(path, settings, {"bootstrap.servers": protocol})


def _secured(path: Path, settings: Settings, by_address: Mapping[str, str]) -> Security:
    """`by_address`: the protocols that stand before addresses, by where; often empty."""
    told = settings.values
    protocol = _protocol(path, settings, by_address)
    _require_its_own(path, settings, protocol)
    _require_checks(path, told)
    security = Security(
        protocol=protocol,
        ca=_pem(path, told, "ssl.truststore"),
        certificate=_pem(path, told, "ssl.keystore"),
        key=_file(path, told, "ssl.key.location"),
        key_password=told.get("ssl.key.password", ""),
        check_hostname=told.get(_HOST_CHECK, "https").lower() == "https",
        ignored=settings.ignored,
        **_who(path, told, protocol),
    )
    if settings.secret:
        _require_private(path)
    _ = security.context  # its files are looked at now, not by some client later
    return security


# -- never silently unencrypted --------------------------------------------------------------------

_HOST_CHECK = "ssl.endpoint.identification.algorithm"


def _protocol(path: Path, settings: Settings, by_address: Mapping[str, str]) -> str:
    """The one protocol that is said. Kafka's default, PLAINTEXT, counts only if nothing speaks
    against it: a setting that needs TLS or SASL may stand beside a misspelt or forgotten protocol.
    """
    told = settings.values
    said = {where: protocol for where, protocol in by_address.items() if protocol}
    if "security.protocol" in told:
        said[str(path)] = _one_of(path, told, "security.protocol", PROTOCOLS)
    for where, protocol in said.items():
        (first, before), *_ = said.items()
        if protocol != before:
            both = {"first": first, "one": before, "second": where, "other": protocol}
            raise BadInput(words("security.two", **both), hint=words("security.two_hint"))
    if said:
        return next(iter(said.values()))
    hint = words("security.add_line", protocols=", ".join(PROTOCOLS))
    names = [name for name in (*told, *map(canonical, settings.ignored)) if _needed(name)]
    if names:
        raise BadInput(
            words("security.no_protocol", path=path, name=names[0]),
            hint=hint,
        )
    for line, _ in settings.hints:
        raise _hinting(path, line, "")
    if "bootstrap.servers" not in told:
        raise BadInput(words("security.neither", path=path), hint=hint)
    return "PLAINTEXT"


def _needed(name: str) -> str:
    """The part of a protocol's name without which a setting means nothing."""
    found = re.match(r"(enable\.)?(sasl|ssl)\.", name)
    return {"sasl": "SASL_", "ssl": "SSL"}[found[2]] if found else ""


def _require_its_own(path: Path, settings: Settings, protocol: str) -> None:
    """A file that says how to encrypt, and a protocol that does not, contradict each other."""
    told = [name for name, value in settings.values.items() if value or name == _HOST_CHECK]
    for name in (*told, *map(canonical, settings.ignored)):
        if _needed(name) not in protocol:
            raise BadInput(
                words("security.means_nothing", path=path, name=name, protocol=protocol),
                hint=words("security.means_nothing_hint", protocols=", ".join(PROTOCOLS)),
            )
    if protocol.endswith("SSL"):
        return  # encrypted
    for line, needed in settings.hints:
        if needed not in protocol:
            raise _hinting(path, line, protocol)


def _hinting(path: Path, line: int, protocol: str) -> BadInput:
    """Not shown is what that line says: it may be a password."""
    why = "protocol" if protocol else "no_line"
    return BadInput(
        words(f"security.hinting.{why}", line=line, path=path, protocol=protocol),
        hint=words("security.hinting_hint"),
    )


def _require_checks(path: Path, told: Mapping[str, str]) -> None:
    """Certificates are checked, by TLS 1.2 or 1.3; only the host's name may be left unchecked."""
    checks = told.get("enable.ssl.certificate.verification", "true").lower()
    if checks != "true":
        raise BadInput(
            words("security.unchecked", path=path, checks=checks),
            hint=words("security.unchecked_hint"),
        )
    spoken = told.get("ssl.enabled.protocols")
    if spoken is not None and "TLSv1.2" not in re.split(r"[\s,\[\]]+", spoken):
        raise BadInput(
            words("security.old_tls", path=path, spoken=spoken),
            hint=words("security.old_tls_hint"),
        )
    if told.get(_HOST_CHECK, "https").lower() not in ("https", "", "none"):
        raise BadInput(
            words("security.host_check", path=path, name=_HOST_CHECK, told=told[_HOST_CHECK]),
            hint=words("security.host_check_hint"),
        )


# -- what the file says ----------------------------------------------------------------------------


def _who(path: Path, told: Mapping[str, str], protocol: str) -> dict[str, str]:
    """Mechanism, name and password, from librdkafka's entries or from Java's one."""
    if not protocol.startswith("SASL_"):
        return {}
    mechanism = _one_of(path, told, "sasl.mechanism", MECHANISMS)
    jaas = dict(_jaas_option(m) for m in _JAAS_OPTION.finditer(told.get("sasl.jaas.config", "")))
    username = told.get("sasl.username") or jaas.get("username", "")
    password = told.get("sasl.password") or jaas.get("password", "")
    if not (username and password):
        raise BadInput(
            words("security.no_user", path=path),
            hint=words("security.no_user_hint"),
        )
    require_filled_in(path, words("security.user"), username)
    require_filled_in(path, words("security.password"), password)
    return {"mechanism": mechanism, "username": username, "password": password}


def _jaas_option(found: re.Match[str]) -> tuple[str, str]:
    name, value = found.groups()
    if value[0] in "\"'":
        value = re.sub(r"\\(.)", r"\1", value[1:-1])
    return name, value


def _one_of(path: Path, told: Mapping[str, str], name: str, allowed: tuple[str, ...]) -> str:
    value = told.get(name, "").upper()
    if value not in allowed:
        what = "value" if name in told else "none"
        raise BadInput(
            words(f"security.one_of.{what}", path=path, name=name, value=told.get(name)),
            hint=words("security.one_of.hint", allowed=", ".join(allowed)),
        )
    return value


def _file(path: Path, told: Mapping[str, str], name: str) -> Path | None:
    if not told.get(name):
        return None
    named = re.sub(r"^file:(//)?", "", told[name])  # Spring's
    file = path.absolute().parent / os.path.expanduser(named)  # noqa: PTH111 - as above
    if not file.is_file():
        raise BadInput(
            words("security.no_file", path=path, name=name, told=told[name]),
            hint=words("security.no_file_hint"),
        )
    return file


def _pem(path: Path, told: Mapping[str, str], store: str) -> Path | None:
    """The PEM file of a store. Java's own formats (JKS, PKCS12) no other client reads."""
    file = _file(path, told, f"{store}.location")
    if file is not None and _PEM not in file.read_bytes():
        raise BadInput(
            words("security.no_pem", store=store, file=file),
            hint=words("security.no_pem_hint"),
        )
    return file


# -- who else can read it --------------------------------------------------------------------------


#: As ssh has it for a private key: a group's members are others, too.
_OTHERS_READ = stat.S_IRGRP | stat.S_IROTH


def _require_private(path: Path) -> None:
    if os.name == "posix" and path.stat().st_mode & _OTHERS_READ:
        raise BadInput(
            words("security.readable", path=path),
            hint=_way_to_hide(path.absolute()),
        )


def _way_to_hide(path: Path) -> str:
    """`chmod`, or a copy where that would do nothing: on a Windows disk, or for another's file."""
    if path.stat().st_uid == os.geteuid() and _keeps_modes(path.parent):
        return words("security.chmod", file=shlex.quote(str(path)))
    copy = (
        f"~/labs-{path.name}" if re.fullmatch(r"[\w.-]+", path.name) else "~/labs-client.properties"
    )
    return words("security.copy", file=shlex.quote(str(path)), copy=copy, properties=PROPERTIES)


def _keeps_modes(folder: Path) -> bool:
    """Whether a file in there can be kept from others (not on FAT, nor on WSL's /mnt/c)."""
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".labs-") as probe:  # made for us alone
            return not os.fstat(probe.fileno()).st_mode & _OTHERS_READ
    except OSError:
        return False
