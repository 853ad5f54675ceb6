"""Which servers there are: a file of `kinds` describes one each."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

import labs.services.kinds as kinds
from labs.base.errors import BadInput
from labs.base.progress import Tell, silent
from labs.base.words import Words
from labs.kafka.choose import chosen
from labs.services.server import Server
from labs.services.service import Service
from labs.supervise.home import Home

words = Words(__file__)


@cache
def known() -> dict[str, type[Server]]:
    """Every kind of server by its id, in the order of their names."""
    names = [module.name for module in pkgutil.iter_modules(kinds.__path__)]
    modules = [importlib.import_module(f"{kinds.__name__}.{name}") for name in names]
    return {module.SERVER.id: module.SERVER for module in modules}


def service(name: str, tell: Tell = silent, hold: bool = True, home: Home | None = None) -> Service:
    """The server of that name, as it is: nothing is started.

    Args:
        name: its id.
        tell: hears what a start is doing.
        hold: whether a start takes a lease for this process.
        home: whose it is; None: the home that `LABS_HOME` names.

    Raises:
        BadInput: there is none of that name.
    """
    if name not in known():
        raise BadInput(
            words("no_server.what", name=name),
            hint=words("no_server.hint", names=", ".join(known())),
        )
    place = Home((home or Home.current()).path / "services" / name)
    return Service(known()[name](place.path, lambda: chosen(hold=False)), place, tell, hold)


def services(tell: Tell = silent, hold: bool = True, home: Home | None = None) -> list[Service]:
    """All of them. Those that keep something in Kafka come first: they are to be stopped first."""
    found = [service(name, tell, hold, home) for name in known()]
    return sorted(found, key=lambda one: not one.server.needs_kafka)
