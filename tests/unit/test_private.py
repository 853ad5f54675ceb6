"""No file uses what another one keeps to itself: neither by an import, nor by a patch, nor because
a class of its own descends from one of another file.

Ruff sees the rest, `other._name` (SLF001).
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
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


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def classes(tree: ast.Module) -> dict[str, ast.ClassDef]:
    return {node.name: node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}


def file_of(module: str, folder: Path = PROJECT) -> Path | None:
    path = folder.joinpath(*module.split("."))
    found = (path.with_suffix(".py"), path / "__init__.py")
    return next((file for file in found if file.exists()), None)


def imported(tree: ast.Module, name: str, folder: Path) -> tuple[Path, str] | None:
    """Where a class of that name (`Life`, `life.Life`) comes from, if from another file of ours."""
    first, _, rest = name.partition(".")
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                if (alias.asname or alias.name) == first:
                    whole = f"{node.module}.{alias.name}.{rest}".rstrip(".")
                    module, _, known = whole.rpartition(".")
                    if file := file_of(module, folder):
                        return file, known
    return None


def bases(file: Path, of: ast.ClassDef, folder: Path) -> Iterator[tuple[Path, ast.ClassDef]]:
    """All classes of ours that a class descends from, and the file of each."""
    for base in map(ast.unparse, of.bases):
        name = base.partition("[")[0]
        home, known = file, name
        while known not in classes(parsed(home)):  # a package may only hand it on
            if not (found := imported(parsed(home), known, folder)):
                break
            home, known = found
        base_of = classes(parsed(home)).get(known)
        if base_of is not None and base_of is not of:
            yield home, base_of
            yield from bases(home, base_of, folder)


def own(of: ast.ClassDef) -> set[str]:
    """What a class itself sets and uses of `self`, and defines, and keeps to itself."""
    found = set()
    for node in ast.walk(of):
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) in ("self", "super()"):
            found.add(node.attr)
    for node in of.body:
        if isinstance(node, ast.FunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.AnnAssign | ast.Assign):
            targets = [node.target] if isinstance(node, ast.AnnAssign) else node.targets
            found |= {target.id for target in targets if isinstance(target, ast.Name)}
    return set(filter(is_private, found))


def inherited(file: Path, folder: Path = PROJECT) -> Iterator[str]:
    """Private names of a class of another file that one of this file, its descendant, has too."""
    for one in classes(parsed(file)).values():
        for home, base in bases(file, one, folder):
            if home != file:
                yield from (f"{one.name}.{name}" for name in sorted(own(one) & own(base)))


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
    assert list(private_names(parsed(path))) == []
    assert list(inherited(path)) == []


BASE = """
class Life:
    _kept: int = 0

    def __init__(self):
        self._run = 1

    def _told(self):
        return self.open
"""


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("    def _told(self): ...", ["Mine._told"]),
        ("    def go(self): self._run", ["Mine._run"]),
        ("    def go(self): super()._told()", ["Mine._told"]),
        ("    _kept = 1", ["Mine._kept"]),
        ("    def go(self): return self.open", []),
        ("    def _own(self): return self._other", []),
    ],
)
@pytest.mark.parametrize(
    ("brought", "base"),
    [
        ("from labs.life import Life", "Life"),
        ("from labs.life import Life as Old", "Old"),
        ("from labs import life", "life.Life"),
        ("from labs.between import Between", "Between"),
    ],
)
def test_what_is_inherited_is_seen(
    tmp_path: Path, brought: str, base: str, code: str, found: list[str]
) -> None:
    room = tmp_path / "labs"
    room.mkdir()
    (room / "__init__.py").touch()
    (room / "life.py").write_text(BASE)
    (room / "between.py").write_text("from labs.life import Life\n\nclass Between(Life): ...\n")
    (room / "mine.py").write_text(f"{brought}\n\nclass Mine({base}):\n{code}\n")
    assert list(inherited(room / "mine.py", tmp_path)) == found


def test_in_its_own_file_a_class_may_use_what_its_base_keeps(tmp_path: Path) -> None:
    both = tmp_path / "both.py"
    both.write_text(f"{BASE}\n\nclass Mine(Life):\n    def _told(self): ...\n")
    assert list(inherited(both, tmp_path)) == []
