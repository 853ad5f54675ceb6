"""The tightest limit above us counts, in a tree of control groups that each test makes itself."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from labs.supervise.cgroup import cores, memory_room_mb

MB = 1_000_000
#: One machine's way to say it: (the line in /proc/self/cgroup, where it is mounted, the names).
VERSIONS = {
    2: ("0::{}", "", ("memory.max", "memory.current", "inactive_file")),
    1: (
        "0::/\n4:memory:{}\n3:cpu,cpuacct:{}",
        "memory",
        ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    ),
}


class Tree:
    """A made-up /sys/fs/cgroup, and a /proc/self/cgroup that says where in it we are."""

    def __init__(self, root: Path, version: int) -> None:
        line, mount, self.names = VERSIONS[version]
        self.root, self.own = root / "cgroup", root / "own"
        self.top = self.root / mount
        self.line = line
        self.enter("/")

    def enter(self, group: str) -> None:
        self.own.write_text(self.line.replace("{}", group) + "\n")

    def limit(self, group: str, limit: str, used_mb: int, unused_mb: int = 0) -> None:
        folder = self.top / group.strip("/")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / self.names[0]).write_text(limit + "\n")
        (folder / self.names[1]).write_text(f"{used_mb * MB}\n")
        stat = f"anon 90000000\n{self.names[2]} {unused_mb * MB}\nshmem 0\n"
        (folder / "memory.stat").write_text(stat)

    def room(self) -> int | None:
        return memory_room_mb(self.root, self.own)


@pytest.fixture(params=VERSIONS)
def tree(request: pytest.FixtureRequest, tmp_path: Path) -> Tree:
    return Tree(tmp_path, request.param)


def test_a_container_that_sees_only_its_own(tree: Tree) -> None:
    assert tree.room() is None
    for group in ("/", "/docker/0123abc", "/../other"):  # the last two are not to be seen from here
        tree.enter(group)
        tree.limit("/", "500000000", 200)
        assert tree.room() == 300
        tree.limit("/", "500000000", 200, unused_mb=50)
        assert tree.room() == 350, "files that nobody uses give way"
        tree.limit("/", "500000000", 600)
        assert tree.room() == 0
        tree.limit("/", "max", 200)
        assert tree.room() is None
        tree.limit("/", str(2 * psutil.virtual_memory().total), 1)
        assert tree.room() is None  # more than there is: no limit


@pytest.mark.parametrize(
    "limited", ["/", "/user.slice", "/user.slice/ann", "/user.slice/ann/shell"]
)
def test_the_tightest_limit_above_us(tree: Tree, limited: str) -> None:
    groups = ["/", "/user.slice", "/user.slice/ann", "/user.slice/ann/shell"]
    tree.enter(groups[-1])
    for group in groups:
        tree.limit(group, "max", 100)
    assert tree.room() is None
    tree.limit("/user.slice/somebody-else", "1000000", 1)
    assert tree.room() is None
    for group in groups:
        tree.limit(group, "900000000", 100)
    tree.limit(limited, "450000000", 100)
    assert tree.room() == 350
    tree.limit(limited, "800000000", 790)  # the larger limit, but others have used it up
    assert tree.room() == 10


def test_a_limit_that_slows_down(tmp_path: Path) -> None:
    tree = Tree(tmp_path, 2)
    tree.limit("/", "900000000", 100)
    (tree.top / "memory.high").write_text("450000000\n")
    assert tree.room() == 350
    (tree.top / "memory.high").write_text("max\n")
    assert tree.room() == 800


def test_a_limit_that_only_version_1_tells_of(tmp_path: Path) -> None:
    tree = Tree(tmp_path, 1)
    tree.limit("/", str(2**63 - 4096), 100)
    assert tree.room() is None
    with (tree.top / "memory.stat").open("a") as stat:
        stat.write("hierarchical_memory_limit 450000000\n")
    assert tree.room() == 350


def test_cores(tmp_path: Path) -> None:
    tree = Tree(tmp_path, 2)
    tree.enter("/a/b")
    if hasattr(os, "sched_getaffinity"):
        assert cores(tree.root, tree.own) == len(os.sched_getaffinity(0))
    for group, quota in (("a/b", "max 100000"), ("a", "50000 100000"), ("", "max 100000")):
        (tree.top / group).mkdir(parents=True, exist_ok=True)
        (tree.top / group / "cpu.max").write_text(quota + "\n")
    assert cores(tree.root, tree.own) == 0.5


def test_cores_of_version_1(tmp_path: Path) -> None:
    tree = Tree(tmp_path, 1)
    cpu = tree.root / "cpu"
    cpu.mkdir(parents=True)
    (cpu / "cpu.cfs_period_us").write_text("100000\n")
    for quota, told in (("-1", cores(tree.root, tree.own)), ("100000", 1), ("25000", 0.25)):
        (cpu / "cpu.cfs_quota_us").write_text(quota + "\n")
        assert cores(tree.root, tree.own) == told


def test_a_real_limit_on_the_group_above() -> None:
    """On a machine that lets us make groups."""
    made = Path(
        "/sys/fs/cgroup/memory" if Path("/sys/fs/cgroup/memory").exists() else "/sys/fs/cgroup"
    )
    above = made / f"labs-test-{os.getpid()}"
    inner = above / "inner"
    limit = "memory.limit_in_bytes" if made.name == "memory" else "memory.max"
    try:
        inner.mkdir(parents=True)
        (above / limit).write_text("450000000")
    except OSError as error:
        for group in (inner, above):
            if group.exists():
                group.rmdir()
        pytest.skip(f"no group can be made here ({error})")
    enter = f"import os; open({str(inner / 'cgroup.procs')!r}, 'w').write(str(os.getpid()))\n"
    look = "from labs.supervise.cgroup import memory_room_mb; print(memory_room_mb())"
    try:
        told = subprocess.run([sys.executable, "-c", enter + look], capture_output=True, text=True)
        assert 300 < int(told.stdout) <= 450, told.stderr
    finally:
        inner.rmdir()
        above.rmdir()
