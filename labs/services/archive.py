"""A server that its makers pack as one archive: it is unpacked, and not kept."""

from __future__ import annotations

import tarfile
from pathlib import Path

from labs.base.progress import Tell, silent
from labs.base.words import Words
from labs.supervise.locked import Locked
from labs.supervise.making import make_once

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
        if not self.provided():
            archive = super().ensure(tell) / self.jars[0].file_name

            def unpack(draft: Path) -> None:
                tell(words("fetching.unpacking", name=self.product), None)
                with tarfile.open(archive) as packed:
                    packed.extractall(draft, filter="data")

            make_once(self.unpacked, unpack)
            archive.unlink(missing_ok=True)  # another process may have unpacked it
        return self.unpacked
