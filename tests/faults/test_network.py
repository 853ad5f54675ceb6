"""What a company's network does to downloads, done by a proxy of our own on loopback."""

from __future__ import annotations

import shutil
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingTCPServer

import pytest
import trustme

from labs.base.errors import BadInput, LabsError
from labs.kafka.jars import KAFKA
from labs.supervise import download, locked
from labs.supervise.download import AUTHORITIES, MAVEN_CENTRAL

HOST = "repo.maven.apache.org"
PROXIES = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")
SECRET = "a-secret"


class Proxy(ThreadingTCPServer):
    """Opens TLS, as companies' proxies do, and answers in Maven Central's place."""

    daemon_threads = True

    def __init__(self, content: bytes) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.authority = trustme.CA()
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.authority.issue_cert(HOST).configure_cert(self.context)
        self.tunnel = b"HTTP/1.1 200 Connection established\r\n\r\n"
        self.answers = [ok(content)]  # the last one for good
        self.asked: list[str] = []
        self.wait_s = 0.0

    @property
    def address(self) -> str:
        return f"http://ann:{SECRET}@127.0.0.1:{self.server_address[1]}"

    def answer(self) -> bytes:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that hang up are what is tested here."""


def ok(content: bytes, kind: str = "application/java-archive") -> bytes:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(content)}\r\n"
    return head.encode() + b"Connection: close\r\n\r\n" + content


def status(code: int, reason: str, more: str = "") -> bytes:
    return f"HTTP/1.1 {code} {reason}\r\n{more}Content-Length: 0\r\n\r\n".encode()


class Handler(BaseRequestHandler):
    server: Proxy
    request: socket.socket

    def handle(self) -> None:
        head = read_head(self.request)
        self.server.asked.append(head.split("\r\n")[0])
        if head.startswith("GET"):  # a repository without TLS
            self.request.sendall(self.server.answer())
            return
        self.request.sendall(self.server.tunnel)
        if b" 200 " not in self.server.tunnel:
            return
        with self.server.context.wrap_socket(self.request, server_side=True) as inner:
            self.server.asked.append(read_head(inner).split("\r\n")[0])
            time.sleep(self.server.wait_s)
            inner.sendall(self.server.answer())


def read_head(connection: socket.socket) -> str:
    head = b""
    while b"\r\n\r\n" not in head and (piece := connection.recv(4096)):
        head += piece
    return head.decode()


@pytest.fixture
def missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The place of the one jar that is to be fetched."""
    ours = min(KAFKA.folder.iterdir(), key=lambda jar: jar.stat().st_size)
    (wanted,) = (jar for jar in KAFKA.jars if jar.file_name == ours.name)
    monkeypatch.setattr(KAFKA, "jars", (wanted,))
    monkeypatch.setattr(KAFKA, "version", "4.3.1")
    monkeypatch.setenv("LABS_CACHE", str(tmp_path / "cache"))
    KAFKA.folder.mkdir(parents=True)
    jar = Path(shutil.copy(ours, KAFKA.folder))
    monkeypatch.setattr(locked, "PAUSE_S", 0.0)
    monkeypatch.setattr(download, "SILENCE_S", 0.5)
    for name in (*PROXIES, *AUTHORITIES, "SSL_CERT_DIR", "NO_PROXY", "no_proxy", "LABS_MAVEN"):
        monkeypatch.delenv(name, raising=False)
    return jar


@pytest.fixture
def proxy(missing: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    with Proxy(missing.read_bytes()) as proxy:
        missing.unlink()
        threading.Thread(target=proxy.serve_forever, args=(0.01,), daemon=True).start()
        monkeypatch.setenv("HTTPS_PROXY", proxy.address)
        yield proxy
        proxy.shutdown()


@pytest.fixture
def trusted(proxy: Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The company's authority, named as uv wants it."""
    file = tmp_path / "company.pem"
    proxy.authority.cert_pem.write_to_path(str(file))
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    return file


@pytest.fixture(autouse=True)
def no_words_but_ours(capfd: pytest.CaptureFixture[str]) -> Iterator[None]:
    yield
    assert capfd.readouterr() == ("", "")


def sentence(kind: type[LabsError] = LabsError) -> str:
    with pytest.raises(kind) as failed:
        KAFKA.ensure()
    told = str(failed.value)
    assert SECRET not in told
    assert "\n" not in told
    return told


def test_an_authority_that_is_unknown_here(proxy: Proxy, missing: Path) -> None:
    told = sentence()
    assert f"{missing.name} could not be had from Maven Central: the certificate of {HOST} " in told
    assert "a company's proxy that opens TLS signs with an authority of its own" in told
    assert "set SSL_CERT_FILE to a PEM file with that authority" in told
    assert len(proxy.asked) == 1, "no attempt more: it would end like the first"


@pytest.mark.parametrize("name", AUTHORITIES)
def test_one_variable_is_enough(
    trusted: Path, missing: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    monkeypatch.setenv(name, str(trusted))
    KAFKA.ensure()
    assert KAFKA.broken() == []


def test_another_one_does_not_hide_it(
    trusted: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(str(other))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(other))
    KAFKA.ensure()
    assert KAFKA.broken() == []


@pytest.mark.parametrize("name", AUTHORITIES)
@pytest.mark.parametrize("content", [None, b"", b"no certificate"])
def test_a_file_of_authorities_that_is_none(
    proxy: Proxy, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, content: bytes | None
) -> None:
    file = tmp_path / "wrong.pem"
    if content is not None:
        file.write_bytes(content)
    monkeypatch.setenv(name, str(file))
    told = sentence(BadInput)
    assert told.startswith(f"{name} is {file}, which can't be used (")
    assert "set it to a PEM file of certificate authorities, or unset it" in told


def test_a_certificate_that_is_over(proxy: Proxy, trusted: Path) -> None:
    from datetime import UTC, datetime, timedelta

    over = datetime.now(UTC) - timedelta(days=1)
    before = over - timedelta(days=1)
    proxy.authority.issue_cert(HOST, not_before=before, not_after=over).configure_cert(
        proxy.context
    )
    told = sentence()
    assert f"the certificate of {HOST} is not valid now (certificate has expired)" in told
    assert "set this machine's clock" in told


PAGE = b"<!DOCTYPE html><html><body>Please sign in</body></html>"


@pytest.mark.parametrize(
    ("answer", "told", "hint", "attempts"),
    [
        (ok(PAGE, "text/html"), "the answer is a web page, where a jar should be", "sign in", 1),
        (ok(b"\n <html>", ""), "the answer is a web page, where a jar should be", "sign in", 1),
        (ok(b"another jar"), "its sha256 did not match the lock", "check the network", 3),
        (status(401, "Unauthorized"), f"{HOST} answered 401 (Unauthorized)", "LABS_MAVEN=", 1),
        (status(403, "Forbidden"), f"{HOST} answered 403 (Forbidden)", "LABS_MAVEN=https://", 1),
        (status(404, "Not Found"), f"{HOST} answered 404 (Not Found)", "check the network", 1),
        (
            status(429, "Too Many Requests", "Retry-After: 3600\r\n"),
            f"{HOST} answered 429 (Too Many Requests)",
            "check the network",
            3,
        ),
        (status(503, "Unavailable"), f"{HOST} answered 503 (Unavailable)", "check the network", 3),
        (b"", f"the connection to {HOST} was cut off", "check the network", 3),
        (b"no HTTP at all\r\n\r\n", f"the connection to {HOST} failed (", "check the network", 3),
        (ok(b"x" * 999)[:-500], f"the connection to {HOST} failed (", "check the network", 3),
    ],
    ids=lambda value: str(value)[:24] if isinstance(value, bytes) else "",
)
def test_answers(
    proxy: Proxy, trusted: Path, answer: bytes, told: str, hint: str, attempts: int
) -> None:
    proxy.answers = [answer]
    said = sentence()
    assert told in said
    assert hint in said
    assert sum(line.startswith("GET") for line in proxy.asked) == attempts
    assert ("in 3 attempts" in said) == (attempts == 3)


def test_what_passes_by_itself(proxy: Proxy, trusted: Path) -> None:
    proxy.answers = [status(503, "Unavailable"), b"", *proxy.answers]
    KAFKA.ensure()
    assert KAFKA.broken() == []


def test_a_silent_server(proxy: Proxy, trusted: Path) -> None:
    proxy.wait_s = 2.0
    assert f"{HOST} did not answer in time" in sentence()


@pytest.mark.parametrize(
    ("tunnel", "told", "hint"),
    [
        (
            status(407, "Proxy Authentication Required"),
            "the proxy 127.0.0.1 wants a name and a password (407)",
            "set HTTPS_PROXY=http://name:password@proxy:port",
        ),
        (status(403, "Forbidden"), "the proxy 127.0.0.1 refused (403 Forbidden)", "HTTPS_PROXY"),
        (status(502, "Bad Gateway"), "the proxy 127.0.0.1 refused (502 Bad Gateway)", "HTTPS_P"),
        (b"", f"the connection to {HOST} was cut off", "HTTPS_PROXY"),
    ],
    ids=["407", "403", "502", "hangs up"],
)
def test_a_proxy_that_refuses(proxy: Proxy, tunnel: bytes, told: str, hint: str) -> None:
    proxy.tunnel = tunnel
    said = sentence()
    assert told in said
    assert hint in said


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
@pytest.mark.parametrize(
    ("address", "told"),
    [
        (f"http://ann:{SECRET}@127.0.0.1:1", "the proxy 127.0.0.1 can't be used (Connection ref"),
        (f"http://ann:{SECRET}@no-such-host.invalid:1", "the proxy no-such-host.invalid can't be"),
        (f"socks5://ann:{SECRET}@127.0.0.1:1", "the proxy 127.0.0.1 speaks SOCKS"),
    ],
    ids=["refused", "unknown", "SOCKS"],
)
def test_a_proxy_that_is_none(
    proxy: Proxy, monkeypatch: pytest.MonkeyPatch, name: str, address: str, told: str
) -> None:
    monkeypatch.delenv("HTTPS_PROXY")
    monkeypatch.setenv(name, address)
    said = sentence()
    assert told in said
    assert "HTTPS_PROXY" in said


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])
@pytest.mark.parametrize(
    "address",
    [
        *(
            f"http://ann:{SECRET}@{where}"
            for where in ("", "127.0.0.1:abc", "127.0.0.1:99999", "[b")
        ),
        *("127.0.0.1:abc", "http://", " ", "http://a b:1", "http://127.0.0.1:0"),
    ],
)
def test_a_proxy_that_is_no_address(
    proxy: Proxy, monkeypatch: pytest.MonkeyPatch, name: str, address: str
) -> None:
    monkeypatch.delenv("HTTPS_PROXY")
    monkeypatch.setenv(name, address)
    told = f"{name} is no address of a proxy; write it as http://proxy.example:3128, or unset it."
    assert sentence(BadInput) == told


def test_a_name_that_is_unknown(proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HTTPS_PROXY")
    monkeypatch.setenv("LABS_MAVEN", "https://no-such-host.invalid/maven/")
    told = sentence()
    assert "from no-such-host.invalid in 3 attempts: the name no-such-host.invalid is unkn" in told


def test_a_mirror_with_a_path_and_no_proxy(
    proxy: Proxy, missing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = proxy.server_address[1]
    monkeypatch.setenv("LABS_MAVEN", f"http://127.0.0.1:{port}/repository/central/")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    KAFKA.ensure()
    assert KAFKA.broken() == []
    (asked,) = proxy.asked
    assert asked.startswith("GET /repository/central/org/") or "/repository/central/" in asked
    assert asked.endswith(f"/{missing.name} HTTP/1.1")


@pytest.mark.parametrize(
    "address",
    [
        *("maven.example", "ftp://maven.example", "https://", "https://[bad", "https://a b/"),
        *("https://maven.example:abc", "https://maven.example:99999", "https://maven.example:0"),
    ],
)
def test_a_mirror_that_is_none(proxy: Proxy, monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("LABS_MAVEN", address)
    assert "LABS_MAVEN is no address of a Maven repository" in sentence(BadInput)


def test_the_lock_was_made_from_the_same_repository() -> None:
    from jgo.constants import MAVEN_CENTRAL_URL

    assert MAVEN_CENTRAL_URL.rstrip("/") == MAVEN_CENTRAL
