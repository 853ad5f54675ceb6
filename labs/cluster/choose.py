"""Which cluster is meant: `LABS_CLUSTER=local|compose|external`.

Unless set it is the local one, or the external one if anything is said of that: where it is
(`LABS_BOOTSTRAP`), or how to be let in (`LABS_CLIENT_PROPERTIES`, whose file may say where, too).
"""

from __future__ import annotations

from labs import variables
from labs.cluster.protocol import Cluster
from labs.errors import BadInput
from labs.progress import Tell, silent

BACKENDS = ("local", "compose", "external")
_ABOUT_EXTERNAL = ("LABS_BOOTSTRAP", "LABS_CLIENT_PROPERTIES")


def backend() -> str:
    """The name of the chosen backend.

    Raises:
        BadInput: `LABS_CLUSTER` names none.
    """
    implied = "external" if any(map(variables.named, _ABOUT_EXTERNAL)) else "local"
    name = variables.named("LABS_CLUSTER") or implied
    if name not in BACKENDS:
        raise BadInput(
            f"LABS_CLUSTER is {name!r}, and there is no such backend",
            hint=f"set it to one of {', '.join(BACKENDS)}",
        )
    return name


def chosen(tell: Tell = silent, hold: bool = True) -> Cluster:
    """The chosen cluster, as it is: nothing is started.

    Args:
        tell: hears what a start is doing.
        hold: whether a start takes a lease for this process (local only: nothing else ends others
            by itself).

    Raises:
        BadInput: `LABS_CLUSTER` names no backend, or what that backend needs is not said; or a
            number that it goes by is none, which a start must not find out half way.
    """
    match backend():
        case "compose":
            from labs.cluster.compose import ComposeCluster

            variables.number("LABS_PORTS", 2909, 103, 6552)
            variables.number("LABS_STUDY_PORT", 8888, 1, 65535)
            return ComposeCluster(tell=tell)
        case "external":
            from labs.cluster.external import ExternalCluster

            return ExternalCluster(tell=tell)
        case _:
            from labs.cluster import ports, watchdog
            from labs.cluster.local import LocalCluster

            ports.first()
            watchdog.chosen_grace_s()
            return LocalCluster(tell=tell, hold=hold)
