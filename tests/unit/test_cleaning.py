"""How a reset goes about it: again and again, each time with a client that remembers nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from kafka.errors import NotCoordinatorError

from labs.cluster import cleaning

PASSES = 3


@contextmanager
def a_new_client(made: list[object]) -> Iterator[object]:
    made.append(object())
    yield made[-1]


def test_each_pass_asks_a_client_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[object] = []
    asked: list[object] = []

    def drop_groups(client: object, _prefix: str = "") -> bool:
        asked.append(client)
        if len(asked) == 1:
            raise NotCoordinatorError
        return len(asked) < PASSES

    for name in ("asking", "admin"):
        monkeypatch.setattr(cleaning, name, lambda _bootstrap: a_new_client(made))
    monkeypatch.setattr(cleaning, "_drop_groups", drop_groups)
    for name in ("_drop_settings", "_abort_transactions", "_drop_topics", "_lead_as_preferred"):
        monkeypatch.setattr(cleaning, name, lambda *_: False)

    assert cleaning.clean(["nowhere:1"])
    assert asked == made
    assert len(made) == PASSES

    made.clear()
    asked.clear()
    assert cleaning.clear(["nowhere:1"], "ann-") == []
    assert asked == made
    assert len(made) == PASSES
