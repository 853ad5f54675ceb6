"""A server that its makers pack as one archive: it is unpacked, and not kept."""

from __future__ import annotations

import tarfile
from pathlib import Path

from filelock import FileLock

from labs.base.progress import Tell, silent
from labs.base.words import Words
from labs.supervise.home import draft_of, writing
from labs.supervise.locked import Locked

words = Words(__file__)


class Archive(Locked):
    """The one archive that a lock names."""

    @property
    def unpacked(self) -> Path:
        """What was in it; the folder appears only when it is whole."""
        return self.place / self.spec.stem

    def provided(self) -> bool:
        """Whether it is unpacked."""
        return self.unpacked.exists()

    def ensure(self, tell: Tell = silent) -> Path:
        """Fetch and unpack it where that is not done yet; returns the folder of what was in it.

        Raises:
            LabsError: no network, no space, or bytes that still don't match their hash.
        """
        while not self.provided():
            archive = super().ensure(tell) / self.jars[0].file_name
            with FileLock(self.place / "unpack.lock"):
                if archive.exists():  # else another process has unpacked it meanwhile
                    tell(words("fetching.unpacking", name=self.product), None)
                    self._unpack(archive)
                    archive.unlink()
        return self.unpacked

    def _unpack(self, archive: Path) -> None:
        with (
            writing(self.place, "LABS_CACHE"),
            draft_of(self.unpacked) as draft,
            tarfile.open(archive) as packed,
        ):
            packed.extractall(draft, filter="data")
            draft.replace(self.unpacked)
