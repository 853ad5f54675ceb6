"""What is made once and used at every start: jars, a formatted storage, a class archive.

Formatting a node takes a JVM of its own, 0.5 s and more each. All it leaves behind that we can't
write ourselves is one small file, the same for every node: the bootstrap checkpoint with the
features of this Kafka version (KIP-778). So it is made once, by Kafka's own tool, and copied.

The class archive (AppCDS, JEP 350) holds Kafka's classes ready parsed: a JVM starts with it in
about half the time.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import shutil
import tempfile
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from filelock import FileLock

from labs.base.errors import LabsError
from labs.base.programs import last_line, run
from labs.base.progress import Tell, silent
from labs.base.words import Words
from labs.kafka.config import NODE_LOG
from labs.kafka.jars import KAFKA
from labs.supervise.home import Home, cache_dir, make_writable, may_run_programs
from labs.supervise.java import Java, find_java
from labs.supervise.making import draft_of

words = Words(__file__)

#: A class archive is good only for the garbage collector it was made with. A flag that an older
#: Java (`LABS_JAVA`) does not know costs speed, not the start.
SHARED_FLAGS = ("-XX:+IgnoreUnrecognizedVMOptions", "-XX:+UseSerialGC")

#: Small JVMs on two cores start sooner, and stay smaller, with the first compiler alone.
SMALL_FLAGS = (
    *SHARED_FLAGS,
    "-XX:TieredStopAtLevel=1",
    "-XX:CICompilerCount=1",
    "-XX:-UsePerfData",
    "-Xms32m",
)

#: Mapped at the address it was made for, the archive's pages are shared by all four nodes (371 MB
#: PSS instead of 452).
JVM_FLAGS = (
    *SMALL_FLAGS,
    "-XX:+UnlockDiagnosticVMOptions",
    "-XX:ArchiveRelocationMode=0",
    "-Xmx192m",
)

#: JEP 483: the archive's classes are linked already. A seventh less CPU until ready.
DUMP_FLAGS = ("-Xshare:dump", "-XX:+AOTClassLinking")

#: A training run gets an Installation that writes class lists, and a home of its own.
Train = Callable[["Installation", Home], None]


@dataclass(frozen=True)
class Installation:
    """Everything a node is started from."""

    java: Java
    class_path: str
    checkpoint: Path
    archive: Path | None = None
    class_lists: Path | None = None

    def command(self, marks: tuple[str, ...], name: str) -> list[str]:
        """The command line of a node, to be run in its folder."""
        lists = [f"-XX:DumpLoadedClassList={self.class_lists / name}"] if self.class_lists else []
        return self.command_of("kafka.Kafka", (*lists, *marks, *NODE_LOG), ["server.properties"])

    def command_of(self, tool: str, flags: Sequence[str], options: Sequence[str]) -> list[str]:
        """The command line of a class of Kafka's, with its JVM's further flags.

        A tool's short run needs what a small node does: the first compiler alone, and the archive.
        """
        archive = [f"-XX:SharedArchiveFile={self.archive}"] if self.archive else []
        java = [str(self.java.path), *JVM_FLAGS, *archive, *flags]
        return [*java, "-cp", self.class_path, tool, *options]


def jvm_environment() -> dict[str, str]:
    """The environment of our JVMs: file names are UTF-8 whatever the learner's locale says."""
    kept = {k: v for k, v in os.environ.items() if k in ("PATH", "HOME", "TMPDIR")}
    return {**kept, "LC_ALL": "C.UTF-8"}


def own_tmp(folder: Path) -> str:
    """The flag that gives a JVM a place of ours for temporary files: `tmp` in `folder`.

    zstd-jni, snappy-java and lz4-java unpack a native library there and load it. In /tmp that fails
    where /tmp is noexec, full or not ours to write, and a client is told UnknownError.

    Raises:
        LabsError: there is no such place.
    """
    return f"-Djava.io.tmpdir={library_folder(folder)}"


def library_folder(folder: Path) -> Path:
    """Where native libraries can be unpacked and loaded, made if need be.

    Raises:
        LabsError: nowhere.
    """
    for choose in (lambda: folder / "tmp", lambda: cache_dir() / "tmp", tempfile.gettempdir):
        with contextlib.suppress(OSError):
            place = Path(choose())
            place.mkdir(parents=True, exist_ok=True)
            if may_run_programs(place):
                return place
    raise LabsError(
        words("noexec.what"),
        hint=words("noexec.hint"),
    )


def new_id() -> str:
    """A Kafka UUID: 22 letters of base64url, never beginning with a dash."""
    while True:
        text = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        if not text.startswith("-"):
            return text


def ensure_installation(train: Train | None = None, tell: Tell = silent) -> Installation:
    """Everything to start from; made where it is missing.

    Args:
        train: boots and uses a throwaway cluster, for the class archive; None skips the archive.

    Raises:
        LabsError: no Java, no jars, no space; the sentence says which and what to do.
    """
    java = find_java()
    KAFKA.ensure(tell)
    class_path = KAFKA.class_path
    checkpoint = KAFKA.place / "bootstrap.checkpoint"
    installation = Installation(java, class_path, checkpoint)
    archive = KAFKA.place / f"classes-{archive_key(installation)}.jsa"
    missing_archive = train is not None and not archive.exists()
    if missing_archive or not checkpoint.exists():
        make_writable(KAFKA.place, "LABS_CACHE")
        with FileLock(KAFKA.place / "make.lock"):
            if not checkpoint.exists():
                _make_checkpoint(installation, tell)
            if train is not None and not archive.exists():
                _make_archive(installation, archive, train, tell)
    return Installation(java, class_path, checkpoint, archive if archive.exists() else None)


def format_storage(installation: Installation, folder: Path, cluster_id: str, node_id: int) -> None:
    """Make `folder` the storage of a node, as `kafka-storage format` does, unless it is one.

    Raises:
        LabsError: it is one of another cluster (Kafka takes 60 s to give up, and does not say why).
    """
    meta = folder / "meta.properties"
    if meta.exists():
        if f"cluster.id={cluster_id}" not in meta.read_text("utf-8", "replace").splitlines():
            raise LabsError(
                words("other_id.what", meta=meta, cluster_id=cluster_id),
                hint=words("other_id.hint"),
            )
        return
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(installation.checkpoint, folder / "bootstrap.checkpoint")
    draft = folder / ".meta.properties"
    draft.write_text(
        f"version=1\ncluster.id={cluster_id}\nnode.id={node_id}\ndirectory.id={new_id()}\n"
    )
    draft.replace(meta)


def _make_checkpoint(installation: Installation, tell: Tell) -> None:
    tell(words("making.storage"), None)
    with draft_of(installation.checkpoint) as draft:
        work = draft.parent
        (work / "server.properties").write_text(
            "node.id=1\nprocess.roles=broker\ncontroller.listener.names=CONTROLLER\n"
            "controller.quorum.voters=100@127.0.0.1:1\nlisteners=PLAINTEXT://127.0.0.1:2\n"
            "log.dirs=records\n"
        )
        _run_java(
            installation,
            ["kafka.tools.StorageTool", "format", "-t", new_id(), "-c", "server.properties"],
            cwd=work,
            doing=words("unmade.storage"),
        )
        (work / "records" / "bootstrap.checkpoint").replace(installation.checkpoint)


def _make_archive(installation: Installation, archive: Path, train: Train, tell: Tell) -> None:
    """Boot once to learn which classes are loaded, then archive them."""
    with draft_of(archive) as draft:
        lists = draft.with_name("lists")
        lists.mkdir()
        tell(words("making.classes"), None)
        # Its logs outlive a failure, which is the one time that anybody wants them.
        home = Home(KAFKA.place / "training")
        shutil.rmtree(home.path, ignore_errors=True)
        train(replace(installation, class_lists=lists), home)
        shutil.rmtree(home.path, ignore_errors=True)
        merged = draft.with_name("classes")
        merged.write_text(_merge(lists), "utf-8")
        tell(words("making.archive"), None)
        _run_java(
            installation,
            [*DUMP_FLAGS, f"-XX:SharedClassListFile={merged}", f"-XX:SharedArchiveFile={draft}"],
            cwd=draft.parent,
            doing=words("unmade.archive"),
        )
        draft.replace(archive)


def _merge(lists: Path) -> str:
    """One list out of several: names only, since the ids in them differ from JVM to JVM."""
    seen: dict[str, None] = {}
    for path in sorted(lists.iterdir()):
        for line in path.read_text("utf-8").splitlines():
            if line and not line.startswith("#") and "source:" not in line:
                seen[line.split(" id: ")[0]] = None
    return "\n".join(seen) + "\n"


def _run_java(installation: Installation, arguments: list[str], cwd: Path, doing: str) -> None:
    own = ("-XX:-UsePerfData", own_tmp(cwd))  # nothing of it in /tmp
    java = [str(installation.java.path), *SHARED_FLAGS, *own, "-cp", installation.class_path]
    done = run([*java, *arguments], cwd=cwd, env=jvm_environment())
    if done.returncode:
        because = last_line(done.stderr or done.stdout)
        raise LabsError(doing, because=because, hint=words("doctor"))


def archive_key(installation: Installation) -> str:
    """An archive fits one JVM build and one class path, times of the jars included.

    Whole seconds, which is what the JVM compares: layers of an image keep no fraction of them.
    """
    stamps = [int(Path(p).stat().st_mtime) for p in installation.class_path.split(os.pathsep)]
    java = f"{installation.java.path} {installation.java.version}"
    text = f"{java} {installation.class_path} {stamps} {SHARED_FLAGS} {DUMP_FLAGS}"
    return hashlib.sha256(text.encode()).hexdigest()[:8]
