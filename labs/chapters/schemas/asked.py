"""The registry as a judge asks for it."""

from __future__ import annotations

import time
from typing import Any

from labs.chapters.schemas import confluent
from labs.exercise.judging import Judging
from labs.services.known import service
from labs.services.packages import Packages


def registry(judging: Judging) -> tuple[Any, dict[str, Any]]:
    """A client of the registry, and the variables that tell a program of it.

    Where it has to be started first, that does not count as time for judging.
    """
    began = time.monotonic()
    url = str(service("registry", judging.tell).handle())
    judging.deadline += time.monotonic() - began
    packages = str(Packages("registry").folder)
    return confluent.client(url), {"schema_registry_url": url, "packages": packages}
