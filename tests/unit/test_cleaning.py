"""How a reset goes about it: again and again, each time with a client that remembers nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from kafka.errors import NotCoordinatorError

from labs.kafka import reset

PASSES = 3


@contextmanager
def a_new_client(made: list[object]) -> Iterator[object]:
    made.append(object())
    yield made[-1]


def test_each_pass_asks_a_client_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[object] = []
    asked: list[object] = []

    def drop_groups(client: object, *_: object) -> bool:
        asked.append(client)
        if len(asked) == 1:
            raise NotCoordinatorError
        return len(asked) < PASSES

    for name in ("asking", "admin"):
        monkeypatch.setattr(reset, name, lambda _bootstrap: a_new_client(made))
    monkeypatch.setattr(reset, "drop_groups", drop_groups)
    for name in ("drop_settings", "abort_transactions", "drop_topics", "lead_as_preferred"):
        monkeypatch.setattr(reset, name, lambda *_: False)

    assert reset.clean(["nowhere:1"])
    assert asked == made
    assert len(made) == PASSES

    made.clear()
    asked.clear()
    assert reset.clear(["nowhere:1"], "ann-") == []
    assert asked == made
    assert len(made) == PASSES


class Asleep:
    """An admin client whose coordinator waits for a write before it deletes."""

    def __init__(self) -> None:
        self.groups, self.written = ["left behind"], False

    def list_groups(self) -> list[dict[str, str]]:
        return [{"group_id": name, "group_state": "Empty"} for name in self.groups]

    def alter_group_offsets(self, group: str, offsets: dict[object, object]) -> None:
        assert group == "left behind"
        assert offsets
        self.written = True

    def delete_groups(self, names: list[str]) -> dict[str, str]:
        if not self.written:
            return dict.fromkeys(names, "CoordinatorNotAvailableError")
        self.groups = []
        return dict.fromkeys(names, "OK")


def test_a_coordinator_that_fell_asleep_is_woken(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Asleep()

    @contextmanager
    def asking(_bootstrap: list[str]) -> Iterator[Asleep]:
        yield client

    monkeypatch.setattr(reset, "asking", asking)
    for name in ("drop_settings", "abort_transactions", "drop_topics", "lead_as_preferred"):
        monkeypatch.setattr(reset, name, lambda *_: False)
    assert reset.clean(["nowhere:1"])
    assert client.groups == []


def test_nothing_is_written_while_leaders_move(monkeypatch: pytest.MonkeyPatch) -> None:
    moves = iter([True, True, False])
    dropped: list[bool] = []
    monkeypatch.setattr(reset, "asking", lambda _bootstrap: a_new_client([]))
    monkeypatch.setattr(reset, "lead_as_preferred", lambda _client: next(moves))
    for name in ("drop_settings", "abort_transactions", "drop_topics", "drop_groups"):
        monkeypatch.setattr(reset, name, lambda *_: dropped.append(True))
    assert reset.clean(["nowhere:1"])
    assert len(dropped) == 4
    assert next(moves, None) is None
