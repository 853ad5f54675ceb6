"""Whether a cell was sent alone: by the clock of whoever sent it, as JupyterLab and a hand do."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from labs.notebook.together import HAND, register, together

Sent = Callable[..., bool]


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Sent:
    """Send a cell so long after the one before it; whether it was sent together with that one."""
    looks: list[Callable[[object], None]] = []
    now = datetime(2031, 1, 1, tzinfo=UTC)  # a browser whose clock is wrong
    shell = SimpleNamespace(
        events=SimpleNamespace(register=lambda _when, look: looks.append(look)),
        get_parent=lambda: {"header": {"date": now}},
    )
    monkeypatch.setattr("IPython.get_ipython", lambda: shell)

    def send(after: timedelta) -> bool:
        nonlocal now
        now += after
        if looks:
            looks[0](None)
        else:
            register()
        return together()

    monkeypatch.setattr("labs.notebook.together.sent_at", deque(maxlen=2))
    return send


def test_cells_that_are_sent_in_one_go_run_together(sent: Sent) -> None:
    told = [sent(timedelta(milliseconds=3)) for _ in range(4)]
    assert told == [False, True, True, True], "the first of them may have been run alone"


def test_a_cell_that_a_hand_runs_is_alone(sent: Sent) -> None:
    sent(timedelta(0))
    assert not sent(HAND)
    assert not sent(timedelta(minutes=3))
    assert sent(HAND / 2)


def test_where_nothing_is_sent_every_cell_is_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A prompt in a terminal, or no notebook at all."""
    for none in (SimpleNamespace(), None):
        monkeypatch.setattr("IPython.get_ipython", lambda none=none: none)
        register()
        assert not together()
