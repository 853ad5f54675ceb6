"""Where servers' parts are fetched from, made by the tests: a web server, and a source for apt.

What it gives for a part is small: one jar, one wheel, one package, by the names and versions
that the real lock has.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import re
import subprocess
import tarfile
import threading
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from labs.services.archive import Archive
from labs.services.erlang import PACKAGE, Ready
from labs.services.packages import Packages
from labs.services.parts import Part
from labs.supervise.locked import Locked

#: What is fetched, of the bytes that are meant.
Damage = Callable[[bytes], bytes]


class Web(ThreadingHTTPServer):
    """A Maven repository and a Python package index on loopback.

    Attributes:
        files: their contents, by how their paths end.
        cut: whether the connection ends half way.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files: dict[str, bytes] = {}
        self.cut = False
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Web

    def do_GET(self) -> None:
        body = next((b for end, b in self.server.files.items() if self.path.endswith(end)), None)
        self.send_response(404 if body is None else 200)
        self.send_header("Content-Type", "text/html" if self.path.endswith("/") else "binary")
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        half = self.server.cut and not self.path.endswith("/")
        self.wfile.write((body or b"")[: len(body or b"") // 2 if half else None])

    def log_message(self, format: str, *args: object) -> None:
        del format, args


@dataclass
class Given:
    """What is given for one part.

    Attributes:
        file: how it is named where it can't be had.
        put: has the source give what is meant (True), or something else as well made as that.
        cut: has the source break off (True), or not.
    """

    file: str
    put: Callable[[bool], None]
    cut: Callable[[bool], None]


def give(part: Part, web: Web, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Given:
    """Have the sources give a part; what is locked of it is one small file from now on."""
    if isinstance(part, Locked):
        return _give_jar(part, web, monkeypatch)
    if isinstance(part, Packages):
        return _give_wheel(part, web, folder, monkeypatch)
    assert isinstance(part, Ready), f"say here how the tests give a {type(part).__name__}"
    return _give_package(folder, monkeypatch)


def _cutting(web: Web) -> Callable[[bool], None]:
    def cut(off: bool) -> None:
        web.cut = off

    return cut


def _give_jar(part: Locked, web: Web, monkeypatch: pytest.MonkeyPatch) -> Given:
    monkeypatch.setattr(part, "version", part.version)
    make = _tarball if isinstance(part, Archive) else (lambda text: text)
    jar = replace(part.jars[0], sha256=hashlib.sha256(make(b"meant")).hexdigest())
    monkeypatch.setattr(part, "jars", (jar,))
    monkeypatch.setenv("LABS_MAVEN", f"{web.address}/maven")

    def put(meant: bool) -> None:
        web.files[f"/maven/{jar.path}"] = make(b"meant" if meant else b"other")

    return Given(jar.file_name, put, _cutting(web))


def _tarball(text: bytes) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        entry = tarfile.TarInfo("hello")
        entry.size = len(text)
        archive.addfile(entry, io.BytesIO(text))
    return gzip.compress(made.getvalue(), mtime=0)


def _give_wheel(part: Packages, web: Web, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Given:
    told = re.search(r"^([\w.-]+)==(\S+)", part.lock.read_text("utf-8"), re.MULTILINE)
    assert told is not None
    package, version = told[1], told[2]
    wheel = f"{package.replace('-', '_')}-{version}-py3-none-any.whl"
    meant = _wheel(package, version, "meant")
    lock = folder / part.lock.name
    lock.write_text(f"{package}=={version} --hash=sha256:{hashlib.sha256(meant).hexdigest()}\n")
    monkeypatch.setattr(part, "lock", lock)
    monkeypatch.setenv("UV_DEFAULT_INDEX", f"{web.address}/simple/")
    monkeypatch.setenv("UV_CACHE_DIR", str(folder / "uv"))
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    web.files[f"/simple/{package}/"] = f'<a href="/files/{wheel}">{wheel}</a>'.encode()

    def put(as_meant: bool) -> None:
        web.files[f"/files/{wheel}"] = meant if as_meant else _wheel(package, version, "other")

    return Given(f"{package}=={version}", put, _cutting(web))


def _wheel(package: str, version: str, text: str) -> bytes:
    name = package.replace("-", "_")
    notes = f"{name}-{version}.dist-info"
    files = {
        f"{name}/__init__.py": f'"""{text}"""\n',
        f"{notes}/METADATA": f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n",
        f"{notes}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{notes}/RECORD": "",
    }
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for path, content in files.items():
            archive.writestr(zipfile.ZipInfo(path), content)
    return made.getvalue()


# -- apt ------------------------------------------------------------------------------------------

#: What a package of RabbitMQ must hold to be taken for one; its Erlang says yes to everything.
RABBITMQ = {
    "hello": "hello",
    "usr/lib/rabbitmq/lib/rabbitmq_server-3.1/plugins/rabbit-3.1/ebin/rabbit.app": "",
    "usr/lib/erlang/erts-1/bin/erlexec": "#!/bin/sh\n",
    "usr/lib/erlang/bin/start.boot": "",
}


class Apt:
    """A source of packages for apt, its only one, with one of RabbitMQ's name."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.source = folder / "source"
        self.package = self.source / "one.deb"
        self._lists = folder / "lists"
        self._lists.mkdir()
        for name, text in RABBITMQ.items():
            file = self.source / "made" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
            file.chmod(0o755)
        control = self.source / "made" / "DEBIAN" / "control"
        control.parent.mkdir()
        self._told = (
            f"Package: {PACKAGE}\nVersion: 1\nArchitecture: all\n"
            "Maintainer: nobody <nobody@example.org>\nDescription: none\n"
        )
        control.write_text(self._told)
        self.build()
        self._list()
        (folder / "sources.list").write_text(f"deb [trusted=yes] file:{self.source} ./\n")
        (folder / "apt.conf").write_text(
            f'Dir::Etc::sourcelist "{folder}/sources.list";\nDir::Etc::sourceparts "-";\n'
            f'Dir::State::lists "{self._lists}";\nDir::Cache "{folder}/cache";\n'
        )
        monkeypatch.setenv("APT_CONFIG", str(folder / "apt.conf"))

    def build(self) -> None:
        """Make the package of what it is to hold."""
        built = ("dpkg-deb", "-Znone", "--build", str(self.source / "made"), str(self.package))
        subprocess.run(built, check=True, capture_output=True)

    def _list(self) -> None:
        """Write the source's list of packages: of that one, as it is now."""
        content = self.package.read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        (self.source / "Packages").write_text(
            f"{self._told}Filename: ./one.deb\nSize: {len(content)}\nSHA256: {digest}\n"
        )

    def system_lists(self) -> list[Path]:
        """The lists of packages that the system has."""
        return list(self._lists.iterdir())


def _give_package(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Given:
    apt = Apt(folder, monkeypatch)
    meant = apt.package.read_bytes()
    other = meant.replace(b"hello", b"other")
    assert len(other) == len(meant) and other != meant

    def put(as_meant: bool) -> None:
        apt.package.write_bytes(meant if as_meant else other)

    def cut(off: bool) -> None:
        apt.package.write_bytes(meant[: len(meant) // 2] if off else meant)

    return Given(PACKAGE, put, cut)
