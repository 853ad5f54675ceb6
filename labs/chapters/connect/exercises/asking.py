"""What the judges ask of Connect."""

from __future__ import annotations

from typing import Any

import requests

from labs.base.waiting import wait_for
from labs.services.known import service

ANSWER_S, CHANGE_S = 30.0, 120.0


def address() -> str:
    """Where Connect answers; it is started if need be."""
    return str(service("connect").handle())


def ask(method: str, path: str, body: Any = None) -> Any:
    """The answer of Connect, which is started if need be; None: it refuses, or has none."""
    answer = requests.request(method, address() + path, json=body, timeout=ANSWER_S)
    return answer.json() if answer.ok and answer.content else None


def put(name: str, config: dict[str, str], awaited: str) -> None:
    """Make a connector; while its group rebalances, Connect answers 409."""
    wait_for(lambda: ask("PUT", f"/connectors/{name}/config", config), awaited, CHANGE_S)


def remove(start: str) -> None:
    """Delete the connectors of earlier tries."""
    for name in ask("GET", "/connectors") or ():
        if name.startswith(start):
            ask("DELETE", f"/connectors/{name}")


def task_state(name: str) -> str:
    """The state of a connector's first task; empty: there is none."""
    told = ask("GET", f"/connectors/{name}/status") or {}
    return next((task["state"] for task in told.get("tasks", ())), "")
