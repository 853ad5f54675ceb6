"""The cluster that is meant (see `backend`), local, in containers, or somebody else's."""

from __future__ import annotations

from labs.base import variables
from labs.base.progress import Tell, progress, silent
from labs.kafka.backend import backend
from labs.kafka.cluster import Cluster


def connect() -> Cluster:
    """The learner's cluster, every node running; started or adopted.

    A local one stays up for as long as this process lives (a lease), and some minutes more.

    Raises:
        labs.base.errors.LabsError: it could not be started; the sentence says why and what to do.
    """
    with progress() as tell:
        cluster = chosen(tell)
        cluster.start()
    cluster.hush()  # later starts mend what was broken: whoever broke it tells of them
    return cluster


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
            from labs.kafka.compose import ComposeCluster

            variables.number("LABS_PORTS", 2909, 103, 6552)
            variables.number("LABS_STUDY_PORT", 8888, 1, 65535)
            return ComposeCluster(tell=tell)
        case "external":
            from labs.kafka.external import ExternalCluster

            return ExternalCluster(tell=tell)
        case _:
            from labs.kafka.local import LocalCluster
            from labs.supervise import ports, watchdog

            ports.first()
            watchdog.chosen_grace_s()
            return LocalCluster(tell=tell, hold=hold)
