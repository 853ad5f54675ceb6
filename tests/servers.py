"""The README's table of the servers beside Kafka, made from what each says of itself.

`python -m tests.servers` writes it; so does `make notebooks`.
"""

from __future__ import annotations

import re
from pathlib import Path

from labs.services.known import services
from labs.services.server import Server
from labs.supervise.home import PROJECT, Home
from tests.course import chapters

HEAD = (
    "<!-- This table is made by `make notebooks`. -->",
    "| name | what | needed by | to download | memory at rest | licence |",
    "|---|---|---|---|---|---|",
)
TABLE = re.compile(
    rf"^{re.escape(HEAD[0])}\n{re.escape(HEAD[1])}\n(?:\|.*\n)*|^SERVERS\n", re.MULTILINE
)


def rows() -> list[str]:
    """A row for each server, in the order of their names."""
    found = sorted(
        (one.server for one in services(hold=False, home=Home(PROJECT))), key=lambda s: s.id
    )
    return [
        f"| `{one.id}` | {_what(one)} | chapter {', '.join(needing(one.id))} | {one.download_mb} MB"
        f" | {one.memory_mb} MB | {one.licence} |"
        for one in found
    ]


def needing(server: str) -> list[str]:
    """The chapters whose cells ask for a server, by their numbers."""
    asks = re.compile(rf'\bservices\.({server}\(|start\(.*"{server}")')
    return [
        text.chapter.partition("_")[0]
        for text in chapters()
        if any(asks.search(cell.source) for cell in text.code)
    ]


def _what(one: Server) -> str:
    return f"{one.product}, {one.version if one.pinned else 'as the system packages it'}"


def with_servers(readme: str) -> str:
    """The README with its table as the servers have it."""
    return TABLE.sub(lambda _: "".join(f"{line}\n" for line in (*HEAD, *rows())), readme, count=1)


def write(readme: Path = PROJECT / "README.md") -> None:
    """Have the table say what the servers say."""
    readme.write_text(with_servers(readme.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    write()
