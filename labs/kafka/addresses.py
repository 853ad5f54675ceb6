"""Where a Kafka is, as people write it: `host:port`, and what stands around it in other places.

Kafka's own form is `host:port,host:port` (`bootstrap.servers`). Consoles and tutorials hand out
more: `SASL_SSL://host:port` (a protocol, which then counts), `OUTSIDE://host:port` (the name of a
listener, which only that broker knows), URLs, lists in brackets, quotes, line ends.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass

from labs.base.errors import BadInput
from labs.kafka.clientfile import PROPERTIES, PROTOCOLS

_SCHEME = re.compile(r"([A-Za-z][\w+.-]*)://(.*)", re.DOTALL)

#: RFC 1123's labels; Docker's service names may have a `_`, too.
_HOST = re.compile(
    r"(?=.{1,253}$)[A-Za-z0-9_]([\w-]{0,61}\w)?(\.[A-Za-z0-9_]([\w-]{0,61}\w)?)*\.?", re.A
)

_AS = "write it as host:port"


@dataclass(frozen=True)
class Addresses:
    """`host:port` of some brokers, and the `security.protocol` that was written before them."""

    hosts: tuple[str, ...]
    protocol: str = ""


def parse(text: str) -> Addresses:
    """The addresses in a list as people write it; each once.

    Raises:
        BadInput: one of them is none, or they name two protocols.
    """
    hosts: dict[str, str] = {}
    protocols: set[str] = set()
    for word in _words(text):
        protocol, address = _without_protocol(word)
        host, port = split(address)
        protocols |= {protocol} - {""}
        hosts.setdefault(f"{host.lower()}:{port}", joined(host, port))
    if len(protocols) > 1:
        told = " and ".join(sorted(protocols))
        raise BadInput(f"the addresses name {told}", hint="write the same protocol before each")
    return Addresses(tuple(hosts.values()), "".join(protocols))


def split(address: str) -> tuple[str, int]:
    """Host and port of `host:port`; an IPv6 address stands in brackets, `[::1]:9092`.

    Raises:
        BadInput: it is no such thing.
    """
    address = address.strip()
    if "@" in address:  # not shown: before it stands a password
        raise BadInput(
            "an address holds an '@'", hint=f"{_AS}; names and passwords belong into {PROPERTIES}"
        )
    host, _, port = address.rpartition(":")
    if not host.startswith("[") and (_is_ipv6(host) or _is_ipv6(address)):
        raise BadInput(f"{address!r} is no address", hint="write IPv6 in brackets, as [::1]:9092")
    if not host or not re.fullmatch(r"[0-9]+", port):
        raise BadInput(f"{address!r} is no address", hint=f"{_AS}{_meant(address)}")
    if not 0 < int(port[:6]) < 65536:
        raise BadInput(f"{port[:20]} in {address[:80]!r} is no port", hint="a port is 1 to 65535")
    if not (_is_ipv6(host) if host.startswith("[") else _HOST.fullmatch(host)):
        raise BadInput(f"{host[:80]!r} is no host's name", hint=f"{_AS}{_meant(address)}")
    return host.strip("[]"), int(port)


def joined(host: str, port: int) -> str:
    """`host:port`, with brackets around an IPv6 address."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _words(text: str) -> Iterable[str]:
    """The list's words. Brackets around it end with `]`, an IPv6 address with its port."""
    text = text.strip().strip("\"'")
    if text.startswith("[") and text.endswith("]"):
        text = text[1:-1]
    words = (word.strip("\"'").rstrip("/") for word in re.split(r"[,;\s]+", text))
    return [word for word in words if word]


def _without_protocol(word: str) -> tuple[str, str]:
    found = _SCHEME.fullmatch(word)
    if found is None:
        return "", word
    scheme, address = found.groups()
    if scheme.upper() not in PROTOCOLS:
        # Listeners' names are written in capitals, URLs' schemes are not.
        what = "names a listener of that broker, and" if scheme.isupper() else "is none of Kafka's:"
        raise BadInput(
            f"{scheme}:// before an address {what} no client learns from it how to connect",
            hint=f"{_AS} alone, or with a security.protocol before it: {', '.join(PROTOCOLS)}",
        )
    return scheme.upper(), address


def _meant(address: str) -> str:
    """What somebody may have wanted to say."""
    if re.match(r"[/~.]|\w:\\|.*\.(properties|ini|conf|config|env|ya?ml|json)$", address):
        return f"; a file is named by {PROPERTIES}"
    if "=" in address:
        return " alone, without the setting's name"
    return ""


def _is_ipv6(host: str) -> bool:
    try:
        ipaddress.IPv6Address(host.strip("[]"))
    except ValueError:
        return False
    return True
