"""A file from a Maven repository, through whatever a company's network puts in between.

What `uv` and `pip` heed counts here as well: HTTPS_PROXY, NO_PROXY, ~/.netrc, and the certificate
authorities that SSL_CERT_FILE or its like name. A failure is told in words that say what to set.
"""

from __future__ import annotations

import contextlib
import os
import re
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

from labs.base import variables
from labs.base.errors import BadInput

if TYPE_CHECKING:
    import requests

MAVEN_CENTRAL = "https://repo.maven.apache.org/maven2"
#: Names another repository that holds the same files: a company's mirror.
VARIABLE = "LABS_MAVEN"

#: Where a company's certificate authority may be named: for uv and OpenSSL, requests, curl, pip.
AUTHORITIES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PIP_CERT")

#: How long to wait for a connection, and for the next piece of an answer, s.
CONNECT_S, SILENCE_S = 10, 30
#: Answers after which another attempt may bring the file (RFC 9110, 15.6; RFC 6585, 4).
PASSING = {408, 425, 429, 500, 502, 503, 504}
CHUNK_BYTES = 1 << 16

#: Hears which part of a file (0–1) has come.
Heard = Callable[[float], None]

CHECK = "check the network"


@dataclass(frozen=True)
class Failure:
    """Why a download failed, what to do, and whether it may pass by itself."""

    what: str
    hint: str = CHECK
    passing: bool = True


class Source:
    """Maven Central, or the repository that `LABS_MAVEN` names.

    Args:
        folder: where a file of authorities may be kept meanwhile.

    Raises:
        BadInput: `LABS_MAVEN`, a proxy's variable or one of `AUTHORITIES` names nothing that could
            be used.
    """

    def __init__(self, folder: Path) -> None:
        self.address = variables.named(VARIABLE).rstrip("/") or MAVEN_CENTRAL
        parts = _parts(self.address)
        if parts is None or parts.scheme not in ("https", "http"):
            raise BadInput(
                f"{VARIABLE} is no address of a Maven repository",
                hint="write it as https://maven.example/repository, or unset it",
            )
        _require_proxy(self.address)
        self._host = parts.hostname
        self.name = "Maven Central" if self.address == MAVEN_CENTRAL else str(self._host)
        self._trusted = folder / "authorities.pem"
        self._trusted.write_bytes(authorities())

    def download(self, path: str, draft: Path, heard: Heard | None = None) -> Failure | None:
        """Bring the repository's file `path` into `draft`; what went wrong, or None.

        Raises:
            OSError: the disk refused.
        """
        import requests

        timeout = (CONNECT_S, SILENCE_S)
        url = f"{self.address}/{path}"
        with draft.open("wb") as file:
            try:
                with requests.get(
                    url, stream=True, timeout=timeout, verify=str(self._trusted)
                ) as answer:
                    if answer.status_code != HTTPStatus.OK:
                        return _refused(answer)
                    size = int(answer.headers.get("Content-Length", 0))
                    chunks = answer.iter_content(CHUNK_BYTES)
                    while chunk := next(chunks, b""):
                        file.write(chunk)
                        if heard and size:
                            heard(file.tell() / size)
            except requests.RequestException as error:  # an OSError, too, but not the disk's
                return self._failure(error)
            except (TypeError, ValueError):  # requests, of an address that is none
                return _proxy_failed(self.address, "")
        return None

    def _failure(self, error: requests.RequestException) -> Failure:
        """The error in words. Its own are a page long, and may show a password."""
        import requests

        text, kind = str(error), requests.exceptions
        if found := re.search(r"certificate verify failed: ([^('\"]+)", text):
            return _untrusted(f"of {self._host}", found[1].strip())
        if "RemoteDisconnected" in text:  # by the proxy or by what is behind: nobody can tell
            return Failure(f"the connection to {self._host} was cut off", f"{CHECK} (HTTPS_PROXY)")
        if isinstance(error, kind.ProxyError | kind.InvalidProxyURL | kind.InvalidSchema):
            return _proxy_failed(self.address, text)
        if isinstance(error, kind.SSLError):
            return Failure(f"{self._host} speaks no TLS that we know ({_reason(text)})")
        if isinstance(error, kind.Timeout):
            return Failure(f"{self._host} did not answer in time")
        if "NameResolution" in text or "getaddrinfo" in text:
            return Failure(f"the name {self._host} is unknown here", f"{CHECK} (DNS, HTTPS_PROXY)")
        return Failure(f"the connection to {self._host} failed ({_reason(text)})")


def _parts(address: str) -> SplitResult | None:
    """The parts of an address of a server; None if it is none (RFC 3986, 3.2)."""
    try:
        parts = urlsplit(address)
        fits = parts.hostname and parts.port != 0
    except ValueError:  # brackets around no IPv6 address; no port, or one above 65535
        return None
    return parts if fits and not re.search(r"\s", address) else None


def _proxy(address: str) -> str:
    """The proxy by which requests goes to an address, empty if by none."""
    from requests.utils import get_environ_proxies, select_proxy

    return select_proxy(address, get_environ_proxies(address)) or ""


def _require_proxy(address: str) -> None:
    """Whatever is to go between must be an address; it is not shown, for it may hold a password.

    Raises:
        BadInput: it is none, naming its variable.
    """
    proxy = _proxy(address)
    if not proxy or _parts(proxy if "//" in proxy else f"//{proxy}"):
        return
    names = (f"{urlsplit(address).scheme}_proxy", "all_proxy")
    both = [written for name in names for written in (name, name.upper())]
    name = next((name for name in both if os.environ.get(name) == proxy), "HTTPS_PROXY")
    raise BadInput(
        f"{name} is no address of a proxy",
        hint="write it as http://proxy.example:3128, or unset it",
    )


def _refused(answer: requests.Response) -> Failure:
    code = answer.status_code
    said = f"{urlsplit(answer.url).hostname} answered {code} ({answer.reason})"
    if code in PASSING:
        return Failure(said)
    if code in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        way = f"ask who runs it, or name a mirror that you may use with {VARIABLE}=https://…"
    else:
        way = f"{CHECK} and {VARIABLE}" if variables.named(VARIABLE) else CHECK
    return Failure(said, way, passing=False)


def _untrusted(whose: str, why: str) -> Failure:
    """A certificate that no authority known here vouches for."""
    if "expired" in why or "not yet valid" in why:
        return Failure(
            f"the certificate {whose} is not valid now ({why})", "set this machine's clock", False
        )
    return Failure(
        f"the certificate {whose} can't be trusted ({why}): a company's proxy that opens TLS signs "
        "with an authority of its own",
        "set SSL_CERT_FILE to a PEM file with that authority (where it is installed in this system "
        "already, /etc/ssl/certs/ca-certificates.crt as a rule)",
        passing=False,
    )


def _proxy_failed(address: str, text: str) -> Failure:
    """A proxy that can't be used; its address is told without the password that may be in it."""
    proxy = _proxy(address)
    parts = urlsplit(proxy if "//" in proxy else f"//{proxy}")
    name = f"the proxy {parts.hostname}"
    if "407" in text:
        return Failure(
            f"{name} wants a name and a password (407)",
            "set HTTPS_PROXY=http://name:password@proxy:port",
            passing=False,
        )
    if "SOCKS" in text:
        return Failure(
            f"{name} speaks SOCKS, which is not supported here",
            "set HTTPS_PROXY to one that speaks HTTP",
            passing=False,
        )
    if found := re.search(r"Tunnel connection failed: (\d+ [^'\")]*)", text):
        return Failure(f"{name} refused ({found[1].strip()})", f"{CHECK} and HTTPS_PROXY", False)
    return Failure(f"{name} can't be used ({_reason(text)})", f"{CHECK} and HTTPS_PROXY")


def _reason(text: str) -> str:
    """The innermost reason in an error of urllib3's."""
    found = re.findall(r"\[Errno -?\d+\] ([^'\")]+)|\[SSL: (\w+)\]", text)
    if found:
        return str(next(filter(None, found[-1]))).strip()
    words: list[str] = re.findall(r"[A-Z]\w+(?:Error|Read|Timeout|Disconnected)\b", text)
    return words[-1] if words else "it was cut off"


def other_bytes(draft: Path) -> Failure:
    """What to say of an answer whose sha256 is not the lock's."""
    with draft.open("rb") as file:
        begin = file.read(512).lstrip().lower()
    if begin.startswith((b"<!doctype", b"<html", b"<?xml")):
        return Failure(
            "the answer is a web page, where a jar should be: a proxy's or a network's own",
            f"{CHECK}: open any page in a browser and see whether you must sign in",
            passing=False,
        )
    return Failure(
        "its sha256 did not match the lock: something on the way changes or cuts off downloads"
    )


def authorities() -> bytes:
    """All certificate authorities to trust, as PEM: requests' own, the system's, the named ones.

    Whoever names one for uv, pip or curl need not name it again. What is fetched is known by its
    sha256 as well.

    Raises:
        BadInput: a variable names a file in which there is none.
    """
    from requests.utils import DEFAULT_CA_BUNDLE_PATH

    found = [Path(DEFAULT_CA_BUNDLE_PATH).read_bytes()]
    if system := ssl.get_default_verify_paths().openssl_cafile:
        with contextlib.suppress(OSError):
            found.append(_certificates(Path(system)))
    for name in AUTHORITIES:
        if named := os.environ.get(name):
            try:
                found.append(_certificates(Path(named).expanduser()))
            except OSError as error:
                why = (
                    "no certificate is in it" if isinstance(error, ssl.SSLError) else error.strerror
                )
                raise BadInput(
                    f"{name} is {named}, which can't be used ({why})",
                    hint="set it to a PEM file of certificate authorities, or unset it",
                ) from None
    return b"\n".join(dict.fromkeys(found))


def _certificates(place: Path) -> bytes:
    """The certificates of a PEM file, or of a folder of such.

    Raises:
        OSError: it can't be read, or (`ssl.SSLError`) holds no certificate.
    """
    if place.is_dir():  # as OpenSSL and requests take it
        return b"\n".join(file.read_bytes() for file in sorted(place.glob("*.[cp]*")))
    ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(place)
    return place.read_bytes()
