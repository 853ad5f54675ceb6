"""Requests to a server's HTTP interface, with no proxy between."""

from __future__ import annotations

from typing import Any

import requests

_session = requests.Session()
_session.trust_env = False


def sent(method: str, url: str, body: Any = None, timeout_s: float = 30) -> Any:
    """The JSON that a server answers; it must have done what was asked."""
    answer = _session.request(method, url, json=body, timeout=timeout_s)
    assert answer.ok, answer.text
    return answer.json() if answer.content else None


def refused(method: str, url: str, body: Any = None) -> tuple[int, str]:
    """With which status, and which words, a server refuses what was asked."""
    answer = _session.request(method, url, json=body, timeout=30)
    assert not answer.ok, answer.text
    return answer.status_code, answer.text
