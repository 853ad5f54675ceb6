"""macOS: nothing that only Linux has is needed, in Python, in make, or in a shell."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from labs.supervise.home import PROJECT
from tests.elsewhere import modules

IMPORT_ALL = """
import importlib, sys
from tests.elsewhere import modules, pretend
for name in [name for name in sys.modules if name.startswith("labs")]:
    del sys.modules[name]
pretend()
for name in modules():
    importlib.import_module(name)
"""

#: What make 3.81, the one of macOS, does not know (GNU make's NEWS, 3.82 to 4.4).
NEWER_MAKE = re.compile(
    r"\.ONESHELL|\.SHELLFLAGS|\.RECIPEPREFIX|^\s*(undefine|private|load)\b"
    r"|(?<![:+?])(::?:=|!=)|\$\((file|guile|let|intcmp) |\$\(shell .*\.SHELLSTATUS|&:",
    re.MULTILINE,
)
#: What BSD's tools do not know, or do otherwise (macOS's manual pages).
GNU_ONLY = re.compile(
    r"\bsed -i(?! '')|\bsed -r|\breadlink -f|\bdate -d|\bstat -c|\bgrep -P|\bxargs -(r|d)|\bcp -a"
    r"|\bcp --|\bmktemp --|\bsort -V|\b(head|tail) -[cn] -|\btimeout \d|\bsetsid\b"
    r"|\brealpath\b|\btac\b|\bfind [^|]* -printf|\bln -r|\binstall -D\b|\bnproc\b|\bfree -"
    r"|\bsha256sum\b|\bseq -w"
)
#: What bash 3.2, the one of macOS, does not know (bash's NEWS, 4.0 to 5.2).
NEWER_BASH = re.compile(
    r"\bdeclare -[Agn]|\blocal -n|\bmapfile\b|\breadarray\b|\bcoproc\b|&>>|\|&|\$\{\w+(,,|\^\^|@)"
    r"|\bEPOCH(REALTIME|SECONDS)|\bwait -n|globstar|(?<!\+)\"\$\{(online|proxies)\[@\]\}\"(?!\})"
)
#: They run on a learner's machine, or on a maintainer's Mac with Docker. The others run in Linux.
SCRIPTS = (
    "labs/app/labs",
    ".ci/run",
    ".ci/browser",
    "tests/container/common.sh",
    "tests/container/clean",
    "tests/container/limits",
    "tests/compose/study-image",
)


def text_of(name: str) -> str:
    lines = (PROJECT / name).read_text("utf-8").splitlines()
    return "\n".join(line for line in lines if not line.lstrip().startswith("#"))


@pytest.mark.timeout(600)
def test_every_module_can_be_imported() -> None:
    assert len(modules()) > 60
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.timeout(600)
@pytest.mark.parametrize("command", ["doctor", "status"])
def test_commands_do_without_what_only_linux_has(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LABS_HOME", str(tmp_path))
    done = subprocess.run(
        [sys.executable, "-m", "tests.elsewhere", command],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    assert "could not be checked" not in done.stdout


def test_the_makefile_is_understood_by_make_3_81() -> None:
    assert NEWER_MAKE.findall(text_of("Makefile")) == []


@pytest.mark.parametrize("name", ["Makefile", *SCRIPTS])
def test_shells_and_tools_of_macos_do(name: str) -> None:
    found = [match[0] for match in GNU_ONLY.finditer(text_of(name))]
    found += [match[0] for match in NEWER_BASH.finditer(text_of(name))]
    assert found == []


def test_the_command_is_found_through_links(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    readlink = tmp_path / "bin" / "readlink"  # as macOS before 12.3 has it
    readlink.write_text(f'#!/bin/sh\n[ "$1" != -f ] && exec {shutil.which("readlink")} "$@"\n')
    readlink.chmod(0o755)
    (tmp_path / "a folder").mkdir()
    (tmp_path / "a folder" / "first").symlink_to(Path(sys.executable).with_name("labs"))
    (tmp_path / "labs").symlink_to("a folder/first")
    done = subprocess.run(
        ["./labs", "--help"],
        cwd=tmp_path,
        env={**os.environ, "PATH": f"{readlink.parent}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "A real Kafka cluster" in done.stdout


def test_shellcheck_finds_nothing() -> None:
    shellcheck = shutil.which("shellcheck")
    if shellcheck is None:
        pytest.skip("no shellcheck: apt install shellcheck")
    done = subprocess.run(
        [shellcheck, "-S", "error", *SCRIPTS],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
