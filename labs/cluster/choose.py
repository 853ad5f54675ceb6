"""The cluster that is meant (see `backend`), local, in containers, or somebody else's."""

from __future__ import annotations

from labs.cluster.backend import backend
from labs.cluster.protocol import Cluster
from labs.progress import Tell, silent


def chosen(tell: Tell = silent, hold: bool = True) -> Cluster:
    """The chosen cluster, as it is: nothing is started.

    Args:
        tell: hears what a start is doing.
        hold: whether a start takes a lease for this process (local only: nothing else ends others
            by itself).

    Raises:
        BadInput: `LABS_CLUSTER` names no backend, or what that backend needs is not said.
    """
    match backend():
        case "compose":
            from labs.cluster.compose import ComposeCluster

            return ComposeCluster(tell=tell)
        case "external":
            from labs.cluster.external import ExternalCluster

            return ExternalCluster(tell=tell)
        case _:
            from labs.cluster.local import LocalCluster

            return LocalCluster(tell=tell, hold=hold)
