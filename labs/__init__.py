"""A real Kafka cluster you can break, in a notebook. All that notebooks use comes from here.

>>> from labs import connect, panel
>>> cluster = connect()        # starts the cluster, or adopts the one that runs
>>> cluster.kill(1)
>>> panel("acks.leader_crash")

Each name is loaded when it is first used (PEP 562): the import itself loads next to nothing.
"""

from __future__ import annotations

import pkgutil
from typing import Any

from labs.notebook import cells, older, quiet, together
from labs.services.before_reset import stop_before_reset

#: Name → where it lives, `module:name`, or `module:` for a whole one.
_DOOR = {
    "Number": "labs.notebook.prediction:Number",
    "airlines": "labs.base.flights:airlines",
    "check": "labs.notebook.check:check",
    "cockpit": "labs.notebook.cockpit:Cockpit",
    "connect": "labs.kafka.choose:connect",
    "exercises": "labs.notebook.exercises:exercises",
    "flights": "labs.base.flights:flights",
    "lab_settings": "labs.notebook.lab_settings:lab_settings",
    "packages": "labs.services.packages:packages",
    "panel": "labs.notebook.panel:panel",
    "predict": "labs.notebook.prediction:predict",
    "progress": "labs.notebook.progress:progress",
    "quiz": "labs.notebook.quiz:quiz",
    "recap": "labs.notebook.recap:recap",
    "reconcile": "labs.notebook.reconciliation:reconcile",
    "records": "labs.charts.records:",
    "services": "labs.services:",
    "show": "labs.charts:show",
    "task": "labs.notebook.check:task",
}

__all__ = [*_DOOR]


def __getattr__(name: str) -> Any:
    """What notebooks import, loaded when it is first asked for."""
    if name not in _DOOR:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = found = pkgutil.resolve_name(_DOOR[name])
    return found


def __dir__() -> list[str]:
    return [*globals(), *_DOOR]


cells.register()
quiet.register()
older.register()
together.register()
stop_before_reset()
