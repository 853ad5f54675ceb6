"""Run an installer with those settings of the user's that say how packages are reached, no others.

`python -I locks/reach.py COMMAND…` runs pip or uv. A company's mirror, its proxy and certificates,
a cache and time-outs count, by whatever variable or file they are set. What would change where a
package goes, or which one it is (`user = true`, UV_SYSTEM_PYTHON, a constraint …), does not: the
locks say that. It needs nothing but Python itself.
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

#: pip's (`pip config list`), without their dashes; each is also a variable, PIP_INDEX_URL.
_PIP = """
index-url extra-index-url find-links trusted-host proxy cert client-cert keyring-provider
use-feature timeout default-timeout retries resume-retries cache-dir no-cache-dir no-input
disable-pip-version-check
"""
PIP = frozenset(_PIP.split())
#: uv's, in `uv.toml` (there also below `[pip]`); most are also a variable, UV_INDEX_URL.
_UV = """
index index-url default-index extra-index-url find-links index-strategy keyring-provider
allow-insecure-host insecure-host native-tls system-certs http-proxy https-proxy no-proxy
http-timeout http-connect-timeout http-retries request-timeout cache-dir no-cache link-mode
concurrent-downloads compile-bytecode
"""
UV = frozenset(_UV.split())
#: Where a company's certificate authority may be named; the first is OpenSSL's, and so uv's.
AUTHORITIES = ("SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
PROXIES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY")  # small letters do as well

HINT = """\
labs: the Python packages could not be installed; what went wrong is said above.
  If it speaks of a certificate: a company's proxy opens TLS, with an authority unknown here. Set
  SSL_CERT_FILE to a PEM file with it (/etc/ssl/certs/ca-certificates.crt, where it is installed in
  this system). A proxy is set by HTTPS_PROXY, a mirror by UV_DEFAULT_INDEX and PIP_INDEX_URL.
  If it speaks of a cache: set UV_CACHE_DIR to a folder that you may write."""
#: `{}`: the names of settings.
COUNTING = """\
  These settings of yours count here, by variables, pip.conf or uv.toml; one may be wrong:
  {}."""


def environment(pip: dict[str, str], kept: Path) -> dict[str, str]:
    """The variables for an installer.

    Args:
        pip: the settings that `pip config list` tells.
        kept: a file for uv's settings.
    """
    found = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PIP_", "UV_", "PYTHON")) or (value and _reaches(name))
    }
    for name, value in pip.items():
        if name.rpartition(".")[2] in PIP:
            found.setdefault(_variable("PIP", name.rpartition(".")[2]), value)
    found["PIP_CONFIG_FILE"] = os.devnull
    settings = _uv_settings()
    kept.write_text(_toml(settings), "utf-8")
    found["UV_CONFIG_FILE"] = str(kept)
    told = found.keys() | {_variable("UV", name) for name in settings}
    if not told & {"UV_CACHE_DIR", "UV_NO_CACHE"} and not _may_write(_usual_cache()):
        found["UV_CACHE_DIR"] = str(kept.with_name("uv-cache"))  # a container's user has no home
    named = next((found[name] for name in AUTHORITIES if found.get(name)), None)
    if named:
        found.setdefault("SSL_CERT_FILE", named)
        found.setdefault("PIP_CERT", named)
    return found


def counting(pip: dict[str, str]) -> list[str]:
    """The names of the settings that the user has and an installer is told, as variables."""
    names = {
        name
        for name, value in os.environ.items()
        if value and (_reaches(name) or name.upper() in (*PROXIES, *AUTHORITIES))
    }
    of_pip = {name.rpartition(".")[2] for name in pip} & PIP
    names |= {_variable("PIP", name) for name in of_pip}
    names |= {_variable("UV", name) for name in _uv_settings()}
    return sorted(names)


def _usual_cache() -> Path:
    """Where uv keeps its downloads unless it is told (uv's documentation, "Caching")."""
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")  # noqa: PTH111
    return Path(home, "uv")


def _may_write(folder: Path) -> bool:
    """Whether files can be made there, once it is made."""
    if not folder.is_absolute():
        return False
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def _variable(tool: str, name: str) -> str:
    return f"{tool}_{name.upper().replace('-', '_')}"


def _reaches(name: str) -> bool:
    tool, _, rest = name.partition("_")
    allowed = {"PIP": PIP, "UV": UV}.get(tool, set())
    # UV_INDEX_<NAME>_USERNAME and _PASSWORD belong to an index.
    return rest.lower().replace("_", "-") in allowed or name.startswith("UV_INDEX_")


def _uv_settings() -> dict[str, object]:
    """What the user's and the system's `uv.toml` say of how to reach packages."""
    named = os.environ.get("UV_CONFIG_FILE")
    home = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")  # noqa: PTH111
    files = [Path(named)] if named else [Path("/etc/uv/uv.toml"), Path(home, "uv", "uv.toml")]
    settings: dict[str, object] = {}
    for file in files:
        try:
            said = tomllib.loads(file.read_text("utf-8"))
        except (OSError, ValueError):  # none, or one that uv could not read either
            continue
        for part in (said.get("pip", {}), said):
            settings |= {name: value for name, value in part.items() if name in UV}
    return settings


def _toml(settings: dict[str, object]) -> str:
    return "".join(f"{name} = {_value(value)}\n" for name, value in settings.items())


def _value(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{name} = {_value(inner)}" for name, inner in value.items()) + " }"
    if isinstance(value, int):
        return str(value)
    text = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


def pip_settings() -> dict[str, str]:
    """What `pip config list` tells: files of the system, the user and this environment."""
    listing = [sys.executable, "-I", "-m", "pip", "config", "list", "--disable-pip-version-check"]
    told = subprocess.run(listing, capture_output=True, text=True, check=False).stdout
    settings = {}
    for line in told.splitlines():
        name, _, value = line.partition("=")
        try:
            settings[name] = str(ast.literal_eval(value))
        except (SyntaxError, ValueError):
            continue
    return {name: value for name, value in settings.items() if not name.startswith(":env:")}


def main(command: list[str]) -> int:
    """Run it; returns its exit code."""
    kept = Path(sys.prefix, "uv.toml")
    pip = pip_settings()
    done = subprocess.run(command, env=environment(pip, kept), check=False)
    if done.returncode:
        print(HINT, file=sys.stderr)
        if names := counting(pip):
            print(COUNTING.format(", ".join(names)), file=sys.stderr)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
