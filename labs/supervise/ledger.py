"""What is remembered of servers between two commands: the state file of a home."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from labs.base.errors import LabsError
from labs.base.files import write_atomically
from labs.supervise.runner import State


@dataclass
class Record:
    """One server as last recorded. `wanted` is what the last command made of it.

    A stop is written down before the signal goes out: a server that lives and is wanted STOPPED is
    about to leave. `create_time` is its process's `birth`.
    """

    id: int
    port: int
    pid: int | None = None
    create_time: float | None = None
    wanted: State = State.STOPPED


@dataclass
class Ledger:
    """The state file: `ready_s` is None until a start has finished.

    `facts` are noted when the servers are made, and mean something to whoever describes them.
    """

    facts: dict[str, str]
    ready_s: float | None = None
    servers: dict[int, Record] = field(default_factory=dict)

    def is_whole(self) -> bool:
        """Whether its last start was finished and it was not stopped since."""
        return self.ready_s is not None and any(
            server.wanted is not State.STOPPED for server in self.servers.values()
        )

    def save(self, path: Path) -> None:
        """Replace the file in one step, so that a reader never sees half of it."""
        servers = [asdict(server) for server in self.servers.values()]
        body = {**self.facts, "ready_s": self.ready_s, "nodes": servers}
        write_atomically(path, json.dumps(body, indent=1), private="password" in self.facts)

    @classmethod
    def load(cls, path: Path) -> Ledger | None:
        """The saved state; None where there is none or it can't be understood.

        Raises:
            LabsError: there is one, and the system does not let us read it.
        """
        try:
            body = json.loads(path.read_text("utf-8"))
            servers = [_record_from(told) for told in body.pop("nodes")]
            ready_s = body.pop("ready_s")
            return cls(dict(body), ready_s, {server.id: server for server in servers})
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (ValueError, KeyError, TypeError, AttributeError):
            return None
        except OSError as error:  # to take that for "none" would wipe the disks
            raise LabsError(
                f"{path} can't be read ({error.strerror})",
                hint="get the right to read and write it; another user's command may have made it",
            ) from None


def _record_from(body: dict[str, Any]) -> Record:
    return Record(**{**body, "wanted": State(body["wanted"])})
