"""RabbitMQ and the Erlang that it runs on: where they are, and a root of our own to run them from.

They are those on PATH, or those of the system's packages in the cache. Erlang finds its parts below
one folder, its root. Ours has links to the real parts, and three differences:

- no `epmd`, which the whole machine would share; our nodes need none (`labs_rabbitmq.erl`). Once a
  minute a node runs `erl` so that an epmd is up: ours does nothing then. RabbitMQ 4 runs it for a
  look at the other nodes as well, and so it knows where they are.
- `erl_child_setup`, by which a node starts its helpers, says in its command line whose it is.
- only those plugins that RabbitMQ itself is made of. It looks into each that is there, and the
  dozens of others take half the time of its start.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shlex
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from labs.base.errors import LabsError
from labs.base.programs import last_line, run
from labs.base.progress import Tell, silent
from labs.base.words import Words
from labs.services.apt import NoPackage, is_here, unpack
from labs.supervise.home import cache_dir, may_run_programs
from labs.supervise.making import make_once

words = Words(__file__)

PACKAGE = "rabbitmq-server"
#: What comes with it: Erlang, and the library of its cryptography, which a small system lacks.
BESIDE = r"erlang-(?!.*hipe)[a-z0-9-]+|libssl[0-9.]+(t64)?"
DOWNLOAD_MB = 37
#: The versions that were tried: RabbitMQ 3 of Debian 12, RabbitMQ 4 of Debian 13.
SERIES = (3, 4)
#: What is ours of a node, in Erlang.
MODULE = Path(__file__).with_name("labs_rabbitmq.erl")
#: The applications that are started, of the plugins' folders; others come as they need them.
APPLICATIONS = ("rabbit", "rabbitmq_prelaunch")
#: Where a node's `erl_child_setup` finds the word by which its helpers are known.
WORD_VARIABLE = "LABS_SERVICE_WORD"
#: Where its `erl` finds the table of the nodes' ports.
PORTS_VARIABLE = "LABS_SERVICE_PORTS"
#: Some systems keep servers' commands where an ordinary user does not look.
SEARCHED = os.pathsep.join(("", "/usr/local/sbin", "/usr/sbin"))
_WHERE = 'io:format("~ts~n~ts~n", [code:root_dir(), erlang:system_info(version)]), halt().'


@dataclass(frozen=True)
class Installation:
    """A RabbitMQ, and its Erlang.

    Attributes:
        rabbitmq: RabbitMQ's own folder.
        unpacked: the folder in the cache that its packages were unpacked into; None: it is on PATH.
    """

    rabbitmq: Path
    unpacked: Path | None

    @cached_property
    def version(self) -> str:
        """RabbitMQ's version, such as `3.10.8`."""
        found = next((self.rabbitmq / "plugins").glob("rabbit-[0-9]*"))
        return found.name.removeprefix("rabbit-")

    @cached_property
    def erlang(self) -> tuple[Path, str]:
        """Erlang's root, and the version of its run-time system.

        Raises:
            LabsError: it does not run.
        """
        if self.unpacked:
            root = self.unpacked / "usr" / "lib" / "erlang"
            return root, next(root.glob("erts-*")).name.removeprefix("erts-")
        done = run(["erl", "-noshell", "-eval", _WHERE])
        place, _, version = done.stdout.strip().partition("\n")
        if done.returncode or not version:
            raise LabsError(
                words("erlang.no_start"),
                because=(done.stderr.strip().splitlines() or [""])[-1],
                hint=words("erlang.again"),
            )
        return Path(place), version

    def require_runs(self) -> None:
        """See whether its Erlang runs here.

        Raises:
            LabsError: it does not; the hint says what to do.
        """
        real, erts = self.erlang
        root = Root(real, erts)
        known = {**environment(root, self), "HOME": str(real)}
        try:
            done = run([root.programs / "erlexec", "-noshell", "-eval", "halt()."], env=known)
            said = done.stderr.strip() if done.returncode else ""
        except OSError as error:
            said = str(error)
        if not said:
            return
        if self.unpacked is None:
            hint = words("erlang.again")
        elif may_run_programs(self.unpacked):
            hint = words("erlang.delete", folder=self.unpacked)
        else:
            hint = words("erlang.noexec_hint")
        raise LabsError(words("erlang.no_run_because", why=last_line(said)), hint=hint)

    @cached_property
    def libraries(self) -> Path | None:
        """The folder of the libraries that came with it."""
        if self.unpacked is None:
            return None
        found = sorted(self.unpacked.glob("usr/lib/*/libcrypto.so*"))
        return found[0].parent if found else None


class NoRabbitMQ(LabsError):  # noqa: N818 - it names what there is
    """This system has no RabbitMQ that we know, and none can be fetched for it."""


def find() -> Installation | None:
    """The RabbitMQ of this machine: on PATH, or in the cache."""
    return on_path() or _in_cache()


def on_path() -> Installation | None:
    """The one that this machine has; None: there is none."""
    command = shutil.which(PACKAGE, path=os.environ.get("PATH", "") + SEARCHED)
    if command is None or shutil.which("erl") is None:
        return None
    # Debian's command is a script of its own, and stands elsewhere.
    beside = Path(command).resolve().parent.parent
    folders = [beside, *sorted(Path("/usr/lib/rabbitmq/lib").glob("rabbitmq_server-*"))]
    usable = [folder for folder in folders if any((folder / "plugins").glob("rabbit-[0-9]*"))]
    return Installation(usable[0], None) if usable else None


def _in_cache() -> Installation | None:
    place = packages_place()
    found = sorted(place.glob("usr/lib/rabbitmq/lib/rabbitmq_server-*"))
    return Installation(found[0], place) if found else None


def packages_place() -> Path:
    """The cache's folder for the packages of exactly this system."""
    told = {}
    if Path("/etc/os-release").exists():
        told = platform.freedesktop_os_release()
    system = (told.get("ID", "linux"), told.get("VERSION_ID", ""), platform.machine())
    return cache_dir() / "-".join(("rabbitmq", *filter(None, system)))


def provide(tell: Tell) -> Installation:
    """The RabbitMQ of this machine; fetched by apt where there is none.

    Raises:
        NoRabbitMQ: it can't be had here.
        LabsError: it could not be fetched: no network, no space, other bytes.
    """
    if find() is None and is_here():
        try:
            unpack(PACKAGE, BESIDE, packages_place(), DOWNLOAD_MB, tell)
        except NoPackage as error:
            raise NoRabbitMQ(
                error.what, because=error.because, hint=words("rabbitmq.otherwise")
            ) from None
    return _usable(find())


def _usable(found: Installation | None) -> Installation:
    """One that we know.

    Raises:
        NoRabbitMQ: it is none.
    """
    if found is None and packages_place().exists():
        raise NoRabbitMQ(words("rabbitmq.unknown"), hint=words("doctor"))
    if found is None:
        raise NoRabbitMQ(words("rabbitmq.none"), hint=words("rabbitmq.otherwise"))
    if int(found.version.partition(".")[0]) not in SERIES:
        known = " or ".join(map(str, SERIES))
        raise NoRabbitMQ(
            words("rabbitmq.untried", version=found.version, known=known),
            hint=words("rabbitmq.without"),
        )
    return found


def check() -> str:
    """Whether RabbitMQ can be had here, and how, in a few words; nothing is fetched.

    Raises:
        LabsError: it is here, and can't be used.
    """
    found, place = find(), packages_place()
    if found is None and place.exists():
        raise NoRabbitMQ(
            words("rabbitmq.fetched_unknown", folder=place),
            hint=words("rabbitmq.fetched_unknown_hint", otherwise=words("rabbitmq.otherwise")),
        )
    if found is None and is_here():
        return words("rabbitmq.not_fetched", mb=DOWNLOAD_MB)
    try:
        known = _usable(found)
    except NoRabbitMQ as error:  # no fault of the machine
        return words("rabbitmq.left_out", why=error.what)
    known.require_runs()
    if known.unpacked is None:
        return words("rabbitmq.on_path")
    return words("rabbitmq.fetched", mb=DOWNLOAD_MB)


class Ready:
    """RabbitMQ as a part of our server: the programs, and the root that they are run from."""

    def provided(self) -> bool:
        """Whether it is on PATH or in the cache."""
        return find() is not None

    def ensure(self, tell: Tell = silent) -> Path:
        """Fetch it by apt where it is not here; returns the root.

        Raises:
            LabsError: it can't be had, or does not run here.
        """
        return root_of(provide(tell)).path


@dataclass(frozen=True)
class Root:
    """The folder that a node runs from: links, and what is ours."""

    path: Path
    erts: str

    @property
    def programs(self) -> Path:
        """Erlang's own programs, `erlexec` among them."""
        return self.path / f"erts-{self.erts}" / "bin"

    @property
    def plugins(self) -> Path:
        """The applications that RabbitMQ is made of."""
        return self.path / "plugins"

    @property
    def modules(self) -> Path:
        """What is ours, compiled."""
        return self.path / "labs"


def root_of(installation: Installation) -> Root:
    """The root of our own for an installation; made where it is missing.

    Raises:
        LabsError: the cache can't be written, or no program may run there.
    """
    real, erts = installation.erlang
    made_of = "\n".join((str(real), erts, str(installation.rabbitmq), __doc__ or ""))
    digest = hashlib.sha256(made_of.encode() + MODULE.read_bytes()).hexdigest()[:8]
    cache = cache_dir()
    place = cache / f"rabbitmq-root-{installation.version}-{digest}"

    def make(draft: Path) -> None:
        if not may_run_programs(cache):
            raise LabsError(
                words("erlang.noexec", folder=cache),
                hint=words("erlang.elsewhere_hint"),
            )
        _make(Root(draft, erts), installation)

    make_once(place, make)
    return Root(place, erts)


def _make(draft: Root, installation: Installation) -> None:
    real, erts = installation.erlang
    for folder in (draft.path / "bin", draft.programs, draft.plugins, draft.modules):
        folder.mkdir(parents=True)
    for name in ("lib", "releases"):
        (draft.path / name).symlink_to(real / name)
    for file in (real / "bin").glob("*.boot"):
        (draft.path / "bin" / file.name).symlink_to(file)
    programs = real / f"erts-{erts}" / "bin"
    for file in programs.iterdir():
        if file.name not in ("epmd", "erl", "erl_child_setup"):
            (draft.programs / file.name).symlink_to(file)
    setup = shlex.quote(str(programs / "erl_child_setup"))
    _script(
        draft.programs / "erl",
        'case "$*" in *epmd-starter*) exit 0;; esac\n'
        'exec "$BINDIR/erlexec" -start_epmd false -pa "$ROOTDIR/labs" -epmd_module labs_rabbitmq'
        f' -labs_ports "${PORTS_VARIABLE}" -kernel inet_dist_use_interface "{{127,0,0,1}}" "$@"',
    )
    _script(draft.programs / "erl_child_setup", f'exec {setup} "$@" "${WORD_VARIABLE}"')
    for folder in _applications(installation.rabbitmq / "plugins"):
        (draft.plugins / folder.name).symlink_to(folder)
    _compile(draft, installation)


def _script(path: Path, lines: str) -> None:
    path.write_text(f"#!/bin/sh\n{lines}\n")
    path.chmod(0o755)


def _applications(plugins: Path) -> Iterator[Path]:
    """The folders of the applications that are needed, as they name each other."""
    folders = {folder.name.rpartition("-")[0]: folder for folder in plugins.glob("*-[0-9]*")}
    wanted, seen = list(APPLICATIONS), set[str]()
    while wanted:
        name = wanted.pop()
        if name in seen or name not in folders:  # else it is one of Erlang's own
            continue
        seen.add(name)
        yield folders[name]
        told = (folders[name] / "ebin" / f"{name}.app").read_text("utf-8")
        needs = re.search(r"\{\s*applications\s*,\s*\[([^\]]*)\]", told)
        wanted += re.findall(r"\w+", needs[1]) if needs else []


def environment(root: Root, installation: Installation) -> dict[str, str]:
    """What `erlexec` must know."""
    libraries = installation.libraries
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "LC_ALL": "C.UTF-8",
        "ROOTDIR": str(root.path),
        "BINDIR": str(root.programs),
        "EMU": "beam",
        "PROGNAME": "erl",
        **({"LD_LIBRARY_PATH": str(libraries)} if libraries else {}),
    }


def _compile(root: Root, installation: Installation) -> None:
    shutil.copy(MODULE, root.modules)
    what = f'case compile:file("{MODULE.stem}") of {{ok, _}} -> halt(0); _ -> halt(1) end.'
    known = {**environment(root, installation), "HOME": str(root.modules), WORD_VARIABLE: "-"}
    options = ("-noshell", "-eval", what)
    done = run([root.programs / "erlexec", *options], cwd=root.modules, env=known)
    if done.returncode:
        raise LabsError(
            words("erlang.no_run"),
            because=last_line(done.stderr + done.stdout),
            hint=words("doctor"),
        )
