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
from labs.base.words import Words, listed
from labs.kafka.clientfile import PROPERTIES, PROTOCOLS

words = Words(__file__)

_SCHEME = re.compile(r"([A-Za-z][\w+.-]*)://(.*)", re.DOTALL)

#: RFC 1123's labels; Docker's service names may have a `_`, too.
_HOST = re.compile(
    r"(?=.{1,253}$)[A-Za-z0-9_]([\w-]{0,61}\w)?(\.[A-Za-z0-9_]([\w-]{0,61}\w)?)*\.?", re.A
)


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
    for word in _parts(text):
        protocol, address = _without_protocol(word)
        host, port = split(address)
        protocols |= {protocol} - {""}
        hosts.setdefault(f"{host.lower()}:{port}", joined(host, port))
    if len(protocols) > 1:
        told = listed(sorted(protocols))
        raise BadInput(words("address.two", told=told), hint=words("address.two_hint"))
    return Addresses(tuple(hosts.values()), "".join(protocols))


def split(address: str) -> tuple[str, int]:
    """Host and port of `host:port`; an IPv6 address stands in brackets, `[::1]:9092`.

    Raises:
        BadInput: it is no such thing.
    """
    address = address.strip()
    if "@" in address:  # not shown: before it stands a password
        raise BadInput(
            words("address.sign"), hint=words("address.sign_hint", properties=PROPERTIES)
        )
    host, _, port = address.rpartition(":")
    if not host.startswith("[") and (_is_ipv6(host) or _is_ipv6(address)):
        raise BadInput(words("address.none", address=address), hint=words("address.ipv6"))
    if not host or not re.fullmatch(r"[0-9]+", port):
        raise BadInput(words("address.none", address=address), hint=_as_meant(address))
    if not 0 < int(port[:6]) < 65536:
        raise BadInput(
            words("address.port", port=port[:20], address=address[:80]),
            hint=words("address.port_hint"),
        )
    if not (_is_ipv6(host) if host.startswith("[") else _HOST.fullmatch(host)):
        raise BadInput(words("address.host", host=host[:80]), hint=_as_meant(address))
    return host.strip("[]"), int(port)


def joined(host: str, port: int) -> str:
    """`host:port`, with brackets around an IPv6 address."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _parts(text: str) -> Iterable[str]:
    """The list's parts. Brackets around it end with `]`, an IPv6 address with its port."""
    text = text.strip().strip("\"'")
    if text.startswith("[") and text.endswith("]"):
        text = text[1:-1]
    parts = (part.strip("\"'").rstrip("/") for part in re.split(r"[,;\s]+", text))
    return [part for part in parts if part]


def _without_protocol(word: str) -> tuple[str, str]:
    found = _SCHEME.fullmatch(word)
    if found is None:
        return "", word
    scheme, address = found.groups()
    if scheme.upper() not in PROTOCOLS:
        # Listeners' names are written in capitals, URLs' schemes are not.
        what = "listener" if scheme.isupper() else "scheme"
        raise BadInput(
            words(f"address.{what}", scheme=scheme),
            hint=words("address.scheme_hint", protocols=", ".join(PROTOCOLS)),
        )
    return scheme.upper(), address


def _as_meant(address: str) -> str:
    """How to write what somebody may have wanted to say."""
    if re.match(r"[/~.]|\w:\\|.*\.(properties|ini|conf|config|env|ya?ml|json)$", address):
        return words("address.write.file", properties=PROPERTIES)
    if "=" in address:
        return words("address.write.name")
    return words("address.write.plain")


def _is_ipv6(host: str) -> bool:
    try:
        ipaddress.IPv6Address(host.strip("[]"))
    except ValueError:
        return False
    return True
