"""One list of dependencies: conda, Binder and `make` install the same locked packages."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from labs.supervise.home import PROJECT

BINDER = PROJECT / ".binder"
INSTALLS = re.compile(r"\b(pip3?|uv pip|conda|mamba|micromamba|apt|apt-get|npm) +install\b")


def pyproject() -> dict[str, Any]:
    project: dict[str, Any] = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    return project


def conda() -> list[str]:
    """What conda installs. A section `pip:` would be a dictionary, and has no place here."""
    text = (PROJECT / "environment.yml").read_text("utf-8")
    packages: list[str] = yaml.safe_load(text)["dependencies"]
    assert all(isinstance(package, str) for package in packages), packages
    return packages


def python_of_conda() -> str:
    (version,) = [p.removeprefix("python=") for p in conda() if p.startswith("python=")]
    return version


def imported(room: str) -> set[str]:
    """The packages (not of Python itself, and not ours) that the modules of a folder import."""
    names = set()
    for file in (PROJECT / room).rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                names.add(node.module)
    tops = {name.split(".")[0] for name in names} - sys.stdlib_module_names - {"labs", "tests"}
    packages = packages_distributions()
    return {canonicalize_name(package) for top in tops for package in packages.get(top, [top])}


def with_a_server() -> set[str]:
    """What programs import of the packages that come with a server (locks/services)."""
    files = (PROJECT / "locks" / "services").glob("*.in")
    lines = [line for file in files for line in file.read_text("utf-8").splitlines()]
    wanted = [line for line in lines if line and not line.startswith("#")]
    return {name.removesuffix("-client") for name in declared(wanted)}


def declared(requirements: list[str]) -> set[str]:
    return {canonicalize_name(Requirement(line).name) for line in requirements}


def test_whatever_is_imported_is_declared() -> None:
    project = pyproject()
    ours = declared(project["dependencies"])
    theirs = with_a_server() | declared(project["optional-dependencies"]["setup"])
    assert imported("labs") <= ours | theirs
    assert imported("tests") <= ours | theirs | declared(project["optional-dependencies"]["test"])


def test_conda_brings_tools_and_no_python_package() -> None:
    names = {re.split(r"[=<>! ]", package)[0] for package in conda()}
    assert names == {"python", "make", "git"}
    locked = re.findall(r"^([\w.-]+)==", (PROJECT / "locks" / "test.txt").read_text(), re.MULTILINE)
    assert names.isdisjoint(canonicalize_name(name) for name in locked)


def test_conda_and_binder_have_one_python_that_the_project_takes() -> None:
    assert (BINDER / "runtime.txt").read_text() == f"python-{python_of_conda()}\n"
    assert SpecifierSet(str(pyproject()["requires-python"])).contains(python_of_conda())


def test_binder_installs_as_make_does_and_nothing_else() -> None:
    lines = (BINDER / "postBuild").read_text("utf-8").splitlines()
    assert "make setup" in lines
    assert any(line.startswith("set -e") for line in lines)
    assert not any(INSTALLS.search(line) for line in lines)
    # These would be a second list of packages (repo2docker, "Configuration files").
    ours = {".dockerignore", "postBuild", "runtime.txt", "start"}
    assert {path.name for path in BINDER.iterdir()} == ours


def test_make_installs_the_lock_by_its_hashes() -> None:
    text = (PROJECT / "Makefile").read_text("utf-8")
    installs = [line for line in text.splitlines() if "pip install" in line]
    by_hash = [line for line in installs if "--require-hashes -r" in line]
    ours = [line for line in installs if "--no-deps --no-build-isolation -e ." in line]
    assert by_hash and sorted(by_hash + ours) == sorted(installs)


def test_an_environment_that_was_moved_is_made_anew(tmp_path: Path) -> None:
    clone, moved = tmp_path / "my clone", tmp_path / "다른 곳"
    environment = clone / ".venv"
    environment.mkdir(parents=True)
    shutil.copy(PROJECT / "Makefile", clone)
    (environment / "uv").touch()
    (environment / "place").write_text(f"{clone}\n", "utf-8")
    make = ["make", "help"]
    subprocess.run(make, cwd=clone, check=True, stdout=subprocess.DEVNULL)
    assert environment.exists()
    clone.rename(moved)
    subprocess.run(make, cwd=moved, check=True, stdout=subprocess.DEVNULL)
    assert sorted(path.name for path in moved.iterdir()) == ["Makefile"]


def test_repo2docker_takes_the_repository() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "repo2docker", "--no-build", "--debug", "."],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said = done.stdout + done.stderr
    assert f"Building conda environment for python={python_of_conda()}" in said
    for line in ("RUN ./.binder/postBuild", 'ENV R2D_ENTRYPOINT="${REPO_DIR}/.binder/start"'):
        assert line in said
    assert "pip install" not in said, "repo2docker found a second list of packages"


def test_binders_start_sets_variables_and_runs_the_command() -> None:
    code = [
        line
        for line in (BINDER / "start").read_text("utf-8").splitlines()
        if line and not line.startswith("#")
    ]
    assert code[-1] == 'exec "$@"'
    assert all(line.startswith("export ") for line in code[:-1])
    clean = {"PATH": os.environ["PATH"], "REPO_DIR": str(PROJECT), "TMPDIR": "/a place"}
    tell = "import os; print(os.environ['LABS_HOME'], os.environ['PATH'], sep='\\n')"
    done = subprocess.run(
        [BINDER / "start", sys.executable, "-c", tell],
        env=clean,
        capture_output=True,
        text=True,
        check=True,
    )
    home, path = done.stdout.splitlines()
    assert home == "/a place/kafka-labs"
    assert path == f"{clean['PATH']}:{PROJECT / '.venv' / 'bin'}"


def test_binders_scripts_can_be_run() -> None:
    assert all(os.access(BINDER / name, os.X_OK) for name in ("postBuild", "start"))


def test_what_installing_copies_is_installed_again_when_it_changes() -> None:
    wheel = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]["hatch"]["build"][
        "targets"
    ]["wheel"]
    tables = ("shared-scripts", "shared-data", "force-include")
    copied = re.search(r"^COPIED := (.*)$", (PROJECT / "Makefile").read_text(), re.MULTILINE)
    assert copied
    assert set(copied[1].split()) == {path for table in tables for path in wheel[table]}


def test_each_server_s_packages_are_locked_by_hash_and_agree_with_ours() -> None:
    study = (PROJECT / "locks" / "study.txt").read_text("utf-8")
    ours = dict(re.findall(r"^([\w.-]+)==(\S+)", study, re.MULTILINE))
    wanted = sorted((PROJECT / "locks" / "services").glob("*.in"))
    assert wanted
    for file in wanted:
        lock = file.with_suffix(".txt").read_text("utf-8")
        found = re.findall(r"^([\w.-]+)(?:\[.*\])?==(\S+)", lock, re.MULTILINE)
        names = {canonicalize_name(name) for name, _ in found}
        lines = [line for line in file.read_text("utf-8").splitlines() if line]
        assert declared([line for line in lines if not line.startswith("#")]) <= names
        assert lock.count("==") <= lock.count("--hash=sha256:")
        assert all(ours.get(name, version) == version for name, version in found), file
