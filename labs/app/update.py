"""`make update`: the course's newest state, and what a learner has changed kept beside it.

A file that both have changed is two files afterwards: the new one, and the learner's own as
`03_acks.mine-2026-11-26.ipynb`. Nothing is merged, so there is no conflict and no cell is lost.
What the update does not touch stays as the learner has left it.

It must also run where nothing is installed, or where what is installed is about to be renewed: so
it needs git and Python's own library only, and has loaded all of itself before it begins.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import date
from pathlib import Path

from labs.base.errors import LabsError
from labs.base.words import Words

words = Words(__file__)

#: By these a hook or an alias of git's would send us to another repository.
ELSEWHERE = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX")


def update(folder: Path, say: Callable[[str], object] = print) -> list[Path]:
    """Bring the clone in `folder` to the newest state of the branch that it follows.

    Returns the learner's own files, under their new names.

    Raises:
        LabsError: it is no clone, has nobody to ask, or has commits of its own; git is missing or
            refused; no room is left. Nothing has been changed then.
    """
    clone = Clone(folder)
    clone.require_following()
    say(words("update.asking", where=clone.where))
    clone.fetch()
    if not clone.behind():
        say(words("update.nothing_new"))
        return []
    clone.require_no_own_commits()
    new = clone.differing("HEAD", clone.following)
    kept = keep(folder, sorted(clone.changed_here(new)))
    try:
        clone.take(kept)
    except BaseException:
        put_back(folder, kept)
        raise
    say(words("update.done", count=len(new)))
    for path, own in kept.items():
        say(words("update.kept", path=path, own=own.relative_to(folder)))
    return list(kept.values())


# -- the learner's own files -----------------------------------------------------------------------


def keep(folder: Path, paths: Iterable[str]) -> dict[str, Path]:
    """Copy each of these files beside itself; returns the copies by what they are copies of.

    Raises:
        LabsError: a copy can't be written; none is left.
    """
    kept: dict[str, Path] = {}
    for path in paths:
        own = kept[path] = free_name(folder / path)
        try:
            shutil.copy2(folder / path, own)
        except OSError as error:
            for copy in kept.values():
                copy.unlink(missing_ok=True)
            told = words("update.no_copy", path=path, error=error.strerror)
            raise LabsError(told, hint=words("update.no_copy_hint")) from None
    return kept


def free_name(path: Path) -> Path:
    """A name for the learner's own, beside it, that nothing has yet."""
    stem = f"{path.stem}.mine-{date.today()}"
    names = (f"{stem}{more}{path.suffix}" for more in ("", *(f"-{n}" for n in range(2, 1000))))
    return next(own for name in names if not (own := path.with_name(name)).exists())


def put_back(folder: Path, kept: dict[str, Path]) -> None:
    """Undo `keep`, and what came after it."""
    for path, own in kept.items():
        with suppress(OSError):  # then the copy stays
            own.replace(folder / path)


# -- git -------------------------------------------------------------------------------------------


class Clone:
    """A clone of the course, and the branch that it follows."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.following = "@{upstream}"

    def require_following(self) -> None:
        """There must be a branch of somebody else's to follow, and no merge under way.

        Raises:
            LabsError: there is not.
        """
        if shutil.which("git") is None:
            raise LabsError(words("update.no_git"), hint=words("update.no_git_hint"))
        top = self._try("rev-parse", "--show-toplevel")
        if not top or not Path(top).samefile(self._folder):
            told = words("update.no_clone", folder=self._folder)
            raise LabsError(told, hint=words("update.no_clone_hint"))
        branch = self._try("symbolic-ref", "--quiet", "--short", "HEAD")
        remotes = self._try("remote").split()
        problem = (
            ("unfinished" if self._try("ls-files", "--unmerged") else "")
            or ("no_remote" if not remotes else "")
            or ("detached" if not branch else "")
            or ("no_upstream" if not self._try("rev-parse", self.following) else "")
        )
        if problem:
            home = self._try("symbolic-ref", "--short", "refs/remotes/origin/HEAD") or "origin/main"
            names = {"branch": branch, "home": home, "main": home.partition("/")[2]}
            told = words(f"update.{problem}", **names)
            raise LabsError(told, hint=words(f"update.{problem}_hint", **names))

    @property
    def where(self) -> str:
        """The address that is asked, or the remote's name."""
        return self._try("remote", "get-url", self._remote) or self._remote

    @property
    def _remote(self) -> str:
        branch = self._try("symbolic-ref", "--short", "HEAD")
        return self._try("config", f"branch.{branch}.remote") or "origin"

    def fetch(self) -> None:
        """Learn what is new; no file changes.

        Raises:
            LabsError: the remote can't be reached.
        """
        self._do("update.unreachable", "fetch", "--quiet", self._remote, where=self.where)

    def behind(self) -> bool:
        """Whether the other side has commits that are not here."""
        return self._count(f"HEAD..{self.following}") > 0

    def require_no_own_commits(self) -> None:
        """All commits that are here must be theirs.

        Raises:
            LabsError: there are others.
        """
        own = self._count(f"{self.following}..HEAD")
        if own:
            told = words("update.own_commits", count=own, where=self.where)
            raise LabsError(told, hint=words("update.own_commits_hint"))

    def differing(self, one: str, other: str) -> set[str]:
        """The files that differ between two commits."""
        return self._names("diff-tree", "-r", "--no-renames", one, other)

    def changed_here(self, paths: set[str]) -> set[str]:
        """Those of these files that hold something that no commit here has."""
        self._try("update-index", "-q", "--refresh")
        changed = self._names("diff-index", "HEAD")
        known = self._names("ls-tree", "-r", "HEAD")
        there = {path for path in paths if (self._folder / path).is_file()}
        return {path for path in there if path in changed or path not in known}

    def take(self, kept: Iterable[str]) -> None:
        """Move to the newest state; copies of `kept` have been made.

        Raises:
            LabsError: git refused.
        """
        known = self._names("ls-tree", "-r", "HEAD")
        theirs = self.differing("HEAD", self.following)
        in_the_way = sorted(self._names("diff-index", "HEAD") & theirs & known)
        if in_the_way:
            self._do("update.refused", "checkout", "--quiet", "HEAD", "--", *in_the_way)
        for path in kept:
            if path not in known:  # never theirs: git would not write over it
                self._try("rm", "--quiet", "--cached", "--ignore-unmatch", "--", path)
                (self._folder / path).unlink(missing_ok=True)
        forward = ("merge", "--quiet", "--ff-only", "--no-autostash", self.following)
        self._do("update.refused", *forward)

    def _count(self, commits: str) -> int:
        return int(self._try("rev-list", "--count", commits) or 0)

    def _names(self, *command: str) -> set[str]:
        """The names that a command of git's plumbing lists."""
        return set(self._git(*command[:1], "--name-only", "-z", *command[1:])[1].split("\0")) - {""}

    def _do(self, problem: str, *command: str, **values: str) -> None:
        code, _, said = self._git(*command)
        if code:
            last = said.strip().splitlines()[-1:] or [f"exit code {code}"]
            because = last[0].removeprefix("fatal: ").removeprefix("error: ").rstrip(".")
            told = words(problem, because=because, **values)
            raise LabsError(told, hint=words(f"{problem}_hint"))

    def _try(self, *command: str) -> str:
        """What git answers; nothing where it refuses."""
        code, out, _ = self._git(*command)
        return "" if code else out.strip()

    def _git(self, *command: str) -> tuple[int, str, str]:
        ours = {name: value for name, value in os.environ.items() if name not in ELSEWHERE}
        done = subprocess.run(
            ["git", "-C", str(self._folder), *command],
            env={**ours, "LC_ALL": "C"},
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="surrogateescape",
            check=False,
        )
        return done.returncode, done.stdout, done.stderr


def main(arguments: Sequence[str] = ()) -> None:
    """Update the clone in which this file lies; a foreseeable failure is one sentence."""
    folder = Path(arguments[0]) if arguments else Path(__file__).resolve().parents[2]
    try:
        update(folder)
        print(words("update.next"))
    except LabsError as error:
        sys.exit(f"labs: {error}")
    except KeyboardInterrupt:
        sys.exit(f"labs: {words('update.interrupted')}")
