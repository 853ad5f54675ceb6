"""Ports are chosen together, below the ephemeral range, and never one that is in use."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from labs.base.errors import BadInput, LabsError
from labs.supervise import ports
from tests.helpers import listen


def test_wished_ports_are_kept_while_free() -> None:
    wished = ports.choose_ports(4)
    assert ports.choose_ports(4, wished) == wished
    with listen(wished[2]):
        other = ports.choose_ports(4, wished)
    assert not set(other) & set(wished)
    assert len(set(other)) == 4


def test_unset_wishes_count_for_nothing() -> None:
    assert 0 not in ports.choose_ports(4, [0, 0, 0, 0])


def test_skip_passes_over_what_another_took() -> None:
    first, second = ports.choose_ports(4), ports.choose_ports(4, skip=1)
    assert not set(first) & set(second)
    assert ports.choose_ports(4, wished=first, skip=1) != first


def test_below_the_ephemeral_range() -> None:
    assert all(1024 < port < 32768 for port in ports.choose_ports(4))
    assert ports.LAST + ports.BLOCK < 32768


def test_no_ports_left(monkeypatch: pytest.MonkeyPatch) -> None:
    free = ports.choose_ports(1)[0]
    monkeypatch.setattr(ports, "FIRST", free)
    monkeypatch.setattr(ports, "LAST", free + ports.BLOCK + 1)  # two blocks in all
    with ExitStack() as taken:
        for port in (free, free + ports.BLOCK):
            if ports.port_is_free(port):
                taken.enter_context(listen(port))
        with pytest.raises(LabsError, match="no 4 free ports in a row"):
            ports.choose_ports(4)


def test_free_and_open() -> None:
    port = ports.choose_ports(1)[0]
    assert ports.port_is_free(port)
    assert not ports.is_open(port)
    with listen(port):
        assert not ports.port_is_free(port)
        assert ports.is_open(port)
    assert ports.port_is_free(port)


def test_where_to_begin_to_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABS_FIRST_PORT", "23456")
    assert ports.choose_ports(1)[0] >= 23456
    for wrong in ("80", "40000", "many"):
        monkeypatch.setenv("LABS_FIRST_PORT", wrong)
        with pytest.raises(BadInput, match="no whole number from 1024 to 31989; set it to one"):
            ports.choose_ports(1)
