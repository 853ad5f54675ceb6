"""Which kind of cluster is meant: `LABS_CLUSTER=local|compose|external`.

Unless set it is the local one, or the external one if anything is said of that: where it is
(`LABS_BOOTSTRAP`), or how to be let in (`LABS_CLIENT_PROPERTIES`, whose file may say where, too).
`choose` makes the cluster; whoever only asks for its kind needs none of that code.
"""

from __future__ import annotations

from labs.base import variables
from labs.base.errors import BadInput
from labs.base.words import Words

words = Words(__file__)

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
            words("no_backend.what", name=name),
            hint=words("no_backend.hint", names=", ".join(BACKENDS)),
        )
    return name
