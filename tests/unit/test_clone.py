"""A clone has the bytes that were committed, whatever the machine's git is told to do."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from labs.supervise.home import PROJECT

#: What git's installers and people on Windows and macOS set.
SETTINGS = (
    ["core.autocrlf=true"],
    ["core.autocrlf=true", "core.eol=crlf", "core.safecrlf=true"],
    ["core.autocrlf=input"],
    ["core.autocrlf=false", "core.eol=crlf"],
    ["core.fileMode=false", "core.symlinks=false", "core.ignoreCase=true"],
    ["core.precomposeUnicode=true", "core.protectNTFS=true", "core.protectHFS=true"],
)
BINARY = re.compile(rb"\0")


def git(*arguments: str, folder: Path = PROJECT) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    done = subprocess.run(
        ["git", *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout


@pytest.fixture(scope="module")
def files() -> list[str]:
    """What is committed, or would be by `git commit -a`."""
    if shutil.which("git") is None or not (PROJECT / ".git").exists():
        pytest.skip("this folder is no git repository: nothing to clone")
    names = git("ls-files", "-z").split("\0")
    return [name for name in names if name and (PROJECT / name).is_file()]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory, files: list[str]) -> Path:
    """A repository with one commit: the files as they lie here."""
    folder = tmp_path_factory.mktemp("source")
    for name in files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(PROJECT / name, folder / name)
    git("init", "-q", folder=folder)
    git("add", "-f", ".", folder=folder)
    who = ["-c", "user.name=x", "-c", "user.email=x@x", "-c", "commit.gpgsign=false"]
    git(*who, "commit", "-q", "--no-verify", "-m", "x", folder=folder)
    return folder


@pytest.mark.parametrize("settings", SETTINGS, ids=" ".join)
def test_a_clone_has_our_bytes(
    source: Path, files: list[str], tmp_path: Path, settings: list[str]
) -> None:
    clone = tmp_path / "내 clone"
    told = [word for setting in settings for word in ("-c", setting)]
    git("clone", "-q", *told, str(source), str(clone))
    assert [name for name in files if _differs(name, clone)] == []


def _differs(name: str, clone: Path) -> bool:
    ours, theirs = PROJECT / name, clone / name
    return ours.read_bytes() != theirs.read_bytes() or _runs(ours) != _runs(theirs)


def _runs(path: Path) -> bool:
    return os.access(path, os.X_OK)


def test_no_text_has_the_line_ends_of_windows(files: list[str]) -> None:
    texts = {name: (PROJECT / name).read_bytes() for name in files}
    crlf = [name for name, text in texts.items() if b"\r" in text and not BINARY.search(text)]
    assert crlf == []


def test_names_differ_by_more_than_their_case_and_fit_windows(files: list[str]) -> None:
    folders = {str(parent) for name in files for parent in Path(name).parents}
    names = folders | set(files)
    assert len({name.casefold() for name in names}) == len(names)
    reserved = re.compile(r"[<>:\"\\|?*]|[. ]$|(^|/)(con|prn|aux|nul|com\d|lpt\d)(\.|/|$)", re.I)
    assert [name for name in names - {"."} if reserved.search(name)] == []


def test_nothing_is_a_link(files: list[str]) -> None:
    # A clone on a disk of Windows has a text file in its place.
    assert [name for name in files if (PROJECT / name).is_symlink()] == []


def test_what_others_run_needs_no_mode() -> None:
    # A ZIP file, or a disk of Windows, may have lost it.
    dockerfile = (PROJECT / "Dockerfile").read_text("utf-8")
    assert 'ENTRYPOINT ["sh", "labs/app/as-learner"]' in dockerfile
    guide = (PROJECT / "CONTRIBUTING.md").read_text("utf-8")
    assert not re.search(r"^tests/", guide, re.MULTILINE)
