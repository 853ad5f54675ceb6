"""Which kind of cluster is meant: `LABS_CLUSTER=local|compose|external`.

Unless set it is the local one, or the external one if `LABS_BOOTSTRAP` says where that is. `choose`
makes the cluster; whoever only asks for its kind needs none of that code.
"""

from __future__ import annotations

import os

from labs.base.errors import BadInput

BACKENDS = ("local", "compose", "external")


def backend() -> str:
    """The name of the chosen backend.

    Raises:
        BadInput: `LABS_CLUSTER` names none.
    """
    implied = "external" if os.environ.get("LABS_BOOTSTRAP") else "local"
    name = os.environ.get("LABS_CLUSTER", "") or implied
    if name not in BACKENDS:
        raise BadInput(
            f"LABS_CLUSTER is {name!r}, and there is no such backend",
            hint=f"set it to one of {', '.join(BACKENDS)}",
        )
    return name
