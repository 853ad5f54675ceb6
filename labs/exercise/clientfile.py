"""How a program is let in to a cluster that asks: the file of settings that its user has."""

from __future__ import annotations

from pathlib import Path

from labs.base import variables
from labs.kafka import security
from labs.kafka.clientfile import PROPERTIES
from labs.supervise.home import expanded


def security_file(folder: Path) -> Path | None:
    """The file that `KAFKA_CLIENT_PROPERTIES` names; None: the cluster asks for nothing.

    It is the learner's own, untouched. Where an address alone says TLS, one is made in `folder`.

    Raises:
        BadInput: the chosen cluster's settings are of no use.
    """
    found = security.current()
    if found == security.Security():
        return None
    if named := variables.named(PROPERTIES):
        return expanded(named, PROPERTIES)
    file = folder / "client.properties"
    file.write_text(f"security.protocol={found.protocol}\n", "utf-8")
    return file
