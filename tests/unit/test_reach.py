"""Of pip's and uv's settings those count that say how packages are reached, and no others."""

from __future__ import annotations

import os
import re
import runpy
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock

from labs.supervise.home import PROJECT

REACH = PROJECT / "locks" / "reach.py"
reach = runpy.run_path(str(REACH))
AUTHORITIES = ("SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")

MIRROR = "https://ann:secret@mirror.example/simple"
PIP_CONF = f"""
[global]
index-url = {MIRROR}
require-virtualenv = true
constraint = /no/such/file
target = /elsewhere
[install]
user = true
no-binary = :all:
"""
UV_TOML = f"""
index-url = "{MIRROR}"
native-tls = true
offline = true
exclude-newer = "2001-01-01"
[[index]]
url = "{MIRROR}"
default = true
[pip]
target = "/elsewhere"
extra-index-url = ["{MIRROR}/more"]
no-deps = false
"""
#: What a shell may hold, by whether it counts.
COUNTS = {
    "PIP_INDEX_URL": "https://other.example/simple",
    "PIP_CERT": "/company.pem",
    "PIP_PROXY": "http://proxy:3128",
    "UV_DEFAULT_INDEX": MIRROR,
    "UV_INDEX_COMPANY_PASSWORD": "secret",
    "UV_CACHE_DIR": "/cache",
    "UV_LINK_MODE": "copy",
    "HTTPS_PROXY": "http://proxy:3128",
    "NO_PROXY": "mirror.example",
}
OTHERS = {
    "PIP_USER": "true",
    "PIP_TARGET": "/elsewhere",
    "PIP_PREFIX": "/elsewhere",
    "PIP_REQUIRE_VIRTUALENV": "1",
    "PIP_NO_INDEX": "1",
    "PIP_NO_DEPS": "1",
    "PIP_CONSTRAINT": "/no/such/file",
    "PIP_PYTHON": "/usr/bin/python2",
    "PIP_DRY_RUN": "1",
    "UV_SYSTEM_PYTHON": "1",
    "UV_PYTHON": "2.7",
    "UV_PROJECT_ENVIRONMENT": "/elsewhere",
    "UV_OFFLINE": "1",
    "UV_NO_BINARY": "1",
    "UV_EXCLUDE_NEWER": "2001-01-01",
    "UV_CONSTRAINT": "/no/such/file",
    "UV_LINK_MODE_": "",
    "UV_NO_PROGRESS": "banana",
    "UV_CONCURRENT_INSTALLS": "many",
    "PIP_PROGRESS_BAR": "banana",
    "PYTHONPATH": "/elsewhere",
    "PYTHONHASHSEED": "nonsense",
}


@pytest.fixture(autouse=True)
def _one_worker_at_a_time() -> Iterator[None]:
    """What uv is told stands in one file of the environment: each run writes it anew."""
    with FileLock(Path(sys.prefix, "reach.lock")):
        yield


def installer(tmp_path: Path, **environment: str) -> dict[str, str]:
    """The variables with which an installer is run by somebody who has both files."""
    for name, content in (("pip/pip.conf", PIP_CONF), ("uv/uv.toml", UV_TOML)):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("PIP_", "UV_", "SSL_"))}
    tell = "import os; print('\\0'.join(f'{k}={v}' for k, v in os.environ.items()))"
    done = subprocess.run(
        [sys.executable, "-I", REACH, sys.executable, "-I", "-c", tell],
        env={**clean, "XDG_CONFIG_HOME": str(tmp_path), **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    return dict(pair.split("=", 1) for pair in done.stdout.strip().split("\0"))


def test_variables(tmp_path: Path) -> None:
    told = installer(tmp_path, **COUNTS, **OTHERS)
    assert {name: told.get(name) for name in COUNTS} == COUNTS
    assert not set(OTHERS) & set(told)


def test_files(tmp_path: Path) -> None:
    told = installer(tmp_path)
    pip = {name: value for name, value in told.items() if name.startswith("PIP_")}
    assert pip.pop("PIP_CONFIG_FILE") == os.devnull
    assert pip.pop("PIP_INDEX_URL") == MIRROR
    assert not set(pip) & set(OTHERS)  # this machine's own pip.conf may say more
    assert tomllib.loads(Path(told["UV_CONFIG_FILE"]).read_text("utf-8")) == {
        "index-url": MIRROR,
        "extra-index-url": [f"{MIRROR}/more"],
        "native-tls": True,
        "index": [{"url": MIRROR, "default": True}],
    }


@pytest.mark.parametrize("name", AUTHORITIES)
def test_one_name_for_a_companys_authority_is_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    for other in AUTHORITIES:
        monkeypatch.delenv(other, raising=False)
    monkeypatch.setenv(name, "/company.pem")
    told = reach["environment"]({}, tmp_path / "uv.toml")
    assert (told["SSL_CERT_FILE"], told["PIP_CERT"]) == ("/company.pem", "/company.pem")


def uv(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the environment's own uv as make does, by somebody who has set no other variable."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("PIP_", "UV_", "XDG_"))}
    return subprocess.run(
        [sys.executable, "-I", REACH, Path(sys.prefix, "uv").read_text().strip(), *command],
        cwd=PROJECT,
        env={**clean, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    "nowhere", [{"HOME": "/proc"}, {"XDG_CACHE_HOME": "/proc"}, {"XDG_CACHE_HOME": "proc"}]
)
def test_a_cache_that_cannot_be_written_is_kept_in_the_environment(
    nowhere: dict[str, str], tmp_path: Path
) -> None:
    """As `docker run --user 12345` has it, where HOME is `/`."""
    done = uv("cache", "dir", **nowhere)
    assert (done.returncode, done.stderr) == (0, "")
    assert Path(done.stdout.strip()) == Path(sys.prefix, "uv-cache")
    done = uv("cache", "dir", XDG_CACHE_HOME=str(tmp_path))
    assert Path(done.stdout.strip()) == tmp_path / "uv"
    done = uv("cache", "dir", **nowhere, UV_CACHE_DIR=str(tmp_path / "hers"))
    assert Path(done.stdout.strip()) == tmp_path / "hers"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("UV_HTTP_TIMEOUT", "abc"),
        ("UV_CONCURRENT_DOWNLOADS", "abc"),
        ("UV_LINK_MODE", "bad"),
        ("UV_COMPILE_BYTECODE", "banana"),
        ("UV_CACHE_DIR", "/proc"),
        ("https_proxy", "http://127.0.0.1:abc"),
    ],
)
def test_a_failure_names_the_settings_that_count(name: str, value: str) -> None:
    alone = {"UV_INDEX_URL": "https://127.0.0.1:1", "UV_HTTP_RETRIES": "0", "NO_PROXY": ""}
    done = uv("pip", "install", "--dry-run", "--no-deps", "nothing", **{**alone, name: value})
    assert done.returncode
    counting = r"These settings of yours count here, .*; one may be wrong:"
    assert re.search(rf"{counting}\n  .*\b{name}\b", done.stderr), done.stderr
    assert "UV_CACHE_DIR to a folder that you may write" in done.stderr


def test_a_folder_of_somebody_elses() -> None:
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(PROJECT / "Makefile", folder)
        Path(folder).chmod(0o555)
        nobody = 65534 if os.geteuid() == 0 else None  # root may write wherever it likes
        done = subprocess.run(
            ["make", ".venv/uv"],
            cwd=folder,
            user=nobody,
            group=nobody,
            extra_groups=None if nobody is None else [],
            capture_output=True,
            text=True,
        )
        Path(folder).chmod(0o755)
    assert done.returncode
    told = f"You may not write in {folder}: clone the project into a folder of your own"
    assert done.stderr.startswith(told)
    assert "Errno" not in done.stderr


def test_a_failure_says_what_to_set() -> None:
    done = subprocess.run([sys.executable, REACH, "false"], capture_output=True, text=True)
    assert done.returncode == 1
    assert "Set\n  SSL_CERT_FILE to a PEM file" in done.stderr


@pytest.mark.parametrize(
    "variables", [{"PYTHON": "/usr/bin/python2"}, {"CLUSTER": "prod"}, {"MAKEFLAGS": "-j8"}]
)
def test_make_takes_no_variable_of_others(variables: dict[str, str]) -> None:
    tell = [".venv/uv", "study"]
    done = subprocess.run(
        ["make", "--dry-run", "--always-make", *tell],
        cwd=PROJECT,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "python2" not in done.stdout
    assert "python3 -I -m venv" in done.stdout


@pytest.mark.parametrize("name", ["PYTHONHOME", "PYTHONOPTIMIZE", "BASH_ENV", "LABS_CLUSTER"])
def test_make_hands_on_nothing_that_is_meant_for_others(tmp_path: Path, name: str) -> None:
    makefile = (PROJECT / "Makefile").read_text("utf-8") + f'\ntell:\n\t@echo "[$${name}]"\n'
    (tmp_path / "Makefile").write_text(makefile)
    value = {"LABS_CLUSTER": {"CLUSTER": "prod"}}.get(name, {name: "/dev/null"})
    # Below another make, as in `make test`, make says where it is.
    clean = {k: v for k, v in os.environ.items() if k != "LABS_CLUSTER" and "MAKE" not in k}
    done = subprocess.run(
        ["make", "tell"], cwd=tmp_path, env=clean | value, capture_output=True, text=True
    )
    assert done.stdout == "[]\n", done.stderr
