"""No file uses what another one keeps to itself: neither by an import nor by a patch.

Ruff sees the rest, `other._name` (SLF001).
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from labs.supervise.home import PROJECT

FILES = sorted(path for room in ("labs", "tests") for path in (PROJECT / room).rglob("*.py"))


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.endswith("__")


def private_names(tree: ast.AST) -> Iterator[str]:
    """Names of our own files' that this one imports, or that it sets in another."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(("labs", "tests")):
            yield from (alias.name for alias in node.names if is_private(alias.name))
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("setattr"):
            named = [a.value for a in node.args[:2] if isinstance(a, ast.Constant)]
            path, _, name = str(named[0] if named else "").rpartition(".")
            if is_private(name) and (not path or path.startswith("labs.")):
                yield name


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("from labs.base.clock import _boot", ["_boot"]),
        ("from labs.base.clock import now", []),
        ("from os import _exit", []),
        ("patch.setattr(module, '_join', one)", ["_join"]),
        ("patch.setattr('labs.base.clock._boot', one)", ["_boot"]),
        ("patch.setattr('psutil._pslinux.boot_time', one)", []),
        ("patch.setattr(client, '__init__', one)", []),
    ],
)
def test_it_is_seen(code: str, found: list[str]) -> None:
    assert list(private_names(ast.parse(code))) == found


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PROJECT)))
def test_no_file_uses_what_another_keeps_to_itself(path: Path) -> None:
    assert list(private_names(ast.parse(path.read_text("utf-8")))) == []
