"""What the judges ask of Connect."""

from __future__ import annotations

from typing import Any

import requests

from labs.base.progress import Tell, silent
from labs.base.waiting import wait_for
from labs.services.known import service

ANSWER_S, CHANGE_S = 30.0, 120.0


class Connect:
    """Connect, which is started if need be: its address, `url`, and what it is asked."""

    def __init__(self, tell: Tell = silent) -> None:
        self.url = str(service("connect", tell).handle())

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Its answer; None: it refuses, or has none."""
        answer = requests.request(method, self.url + path, json=body, timeout=ANSWER_S)
        return answer.json() if answer.ok and answer.content else None

    def put(self, name: str, config: dict[str, str], awaited: str) -> None:
        """Make a connector; while its group rebalances, Connect answers 409."""
        path = f"/connectors/{name}/config"
        wait_for(lambda: self.ask("PUT", path, config), awaited, CHANGE_S)

    def remove(self, start: str) -> None:
        """Delete the connectors of earlier tries."""
        for name in self.ask("GET", "/connectors") or ():
            if name.startswith(start):
                self.ask("DELETE", f"/connectors/{name}")

    def task_state(self, name: str) -> str:
        """The state of a connector's first task; empty: there is none."""
        told = self.ask("GET", f"/connectors/{name}/status") or {}
        return next((task["state"] for task in told.get("tasks", ())), "")
