"""Start, adopt, break and stop a Kafka cluster; knows nothing of Jupyter or of experiments."""

from __future__ import annotations

from labs.cluster.protocol import Cluster, Fault, Node, Role, State, Status

__all__ = ["Cluster", "Fault", "Node", "Role", "State", "Status", "connect"]


def connect() -> Cluster:
    """The learner's cluster (see `choose`), every node running; started or adopted.

    A local one stays up for as long as this process lives (a lease), and some minutes more.

    Raises:
        labs.errors.LabsError: it could not be started; the sentence says why and what to do.
    """
    # Here, so that the watchdog, which needs a part of this package, stays small.
    from labs.cluster.choose import chosen
    from labs.progress import progress

    with progress() as tell:
        cluster = chosen(tell)
        cluster.start()
    cluster.hush()  # later starts mend what was broken: whoever broke it tells of them
    return cluster
