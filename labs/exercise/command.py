"""By which command line a learner's program is run.

A Python file runs in this environment, where kafka-python and confluent-kafka are. A Java file is
compiled against the jars that the brokers run on, and runs in their Java. All else must be a
program that the system can run.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from labs.base import variables
from labs.base.errors import BadInput, LabsError
from labs.base.programs import run
from labs.base.words import Words
from labs.exercise.verdict import CantTell, NotYet
from labs.kafka.config import log_flags
from labs.kafka.installation import JVM_FLAGS, ensure_installation, jvm_environment, own_tmp
from labs.supervise.java import OLDEST, version_of

words = Words(__file__)

COMPILE_TIMEOUT_S = 60.0

#: A Java client tells all of its settings at its start, unless one says otherwise.
_LOG = log_flags(defaultLogLevel="warn")


def words_of(command: str) -> list[str]:
    """The words of a command; the name of a file that is there is one, whatever it holds.

    Raises:
        BadInput: a quotation mark is missing.
    """
    if Path(command).expanduser().is_file():
        return [command]
    try:
        return shlex.split(command)
    except ValueError as error:
        raise BadInput(
            words("no_command.what", command=command, error=error), hint=words("no_command.hint")
        ) from None


def require_program(parts: Sequence[str]) -> None:
    """There must be such a file or command, before anything is done for it.

    Raises:
        BadInput: there is none, or no word names it.
    """
    if not parts:
        raise BadInput(words("none_named.what"), hint=words("none_named.hint"))
    first = parts[0]
    file = Path(first).expanduser()
    if first.endswith((".py", ".java")):
        if not file.is_file():
            raise BadInput(
                words("no_program.file", file=file.absolute()), hint=words("no_program.file_hint")
            )
    elif shutil.which(first) is None and not file.is_file():
        raise BadInput(words("no_program.what", name=first), hint=words("no_program.hint"))


def command_of(parts: Sequence[str], scratch: Path) -> list[str]:
    """The command line that runs a program, given the parts by which the learner names it.

    Args:
        parts: a file, or a command with its arguments.
        scratch: a folder of the judge's, for what compiling makes.

    Raises:
        BadInput: there is no such program.
        NotYet: it can't be compiled or executed.
        CantTell: it is in Java, and there is no JDK to compile it.
    """
    require_program(parts)
    first, *arguments = parts
    if first.endswith((".py", ".java")):
        file = Path(first).expanduser().absolute()
        if file.suffix == ".java":
            return [*_java(file, scratch), *arguments]
        return [sys.executable, str(file), *arguments]
    found = shutil.which(first)
    if found is None:
        raise NotYet("not_executable", program=Path(first).name, system="Permission denied")
    return [str(Path(found).absolute()), *arguments]


def _java(file: Path, scratch: Path) -> list[str]:
    """The command that runs a file's class; it is compiled once, however many programs run it."""
    installation, classes = ensure_installation(), scratch / "classes"
    if not (classes / f"{file.stem}.class").exists():
        _compile(file, classes, installation.class_path)
    archive = [f"-XX:SharedArchiveFile={installation.archive}"] if installation.archive else []
    path = os.pathsep.join([installation.class_path, str(classes)])
    java = [str(installation.java.path), *JVM_FLAGS, own_tmp(scratch), *archive, *_LOG]
    return [*java, "-cp", path, file.stem]


def _compile(file: Path, classes: Path, class_path: str) -> None:
    """Compile one file into that folder."""
    compiler = javac()
    if compiler is None:
        raise CantTell("no_jdk")
    flags = ["--release", str(OLDEST), "-encoding", "UTF-8", "-cp", class_path]
    try:
        command = [compiler, *flags, "-d", str(classes), str(file)]
        done = run(command, env=jvm_environment(), timeout=COMPILE_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        raise CantTell("out_of_time") from None
    if done.returncode:
        raise NotYet("does_not_compile", *done.stderr.strip().splitlines()[:6], program=file.name)


def javac() -> str | None:
    """The Java compiler of this machine; None: there is none that is new enough.

    A runtime has none, and ours is one. A JDK is looked for by LABS_JAVA, JAVA_HOME and PATH.
    """
    places = [shutil.which("javac")]
    theirs = os.environ.get("JAVA_HOME", "")
    for named in (theirs, variables.named("LABS_JAVA")):
        if named:
            places = [f"{named}/bin/javac", str(Path(named).with_name("javac")), *places]
    return next((place for place in places if place and _compiles(Path(place))), None)


def _compiles(javac: Path) -> bool:
    """Whether it is there and new enough, by the Java beside it: macOS has an empty one, too."""
    try:
        version = version_of(javac.resolve().with_name("java"))
    except LabsError:
        return False
    return os.access(javac, os.X_OK) and int(version.split(".")[0]) >= OLDEST
