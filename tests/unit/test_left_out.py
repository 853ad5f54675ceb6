"""Chapter 10 without RabbitMQ: it is left out, and the result says why, whatever the reason is."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from labs.base.errors import LabsError
from labs.chapters.systems.beside import rabbitmq, rabbitmq_for
from labs.services.erlang import NoRabbitMQ
from labs.services.known import known
from labs.services.service import Service

RUN: Any = SimpleNamespace(tell=lambda _text, _fraction: None)


def fail_with(monkeypatch: pytest.MonkeyPatch, what: object, name: str, error: LabsError) -> None:
    def fails(*_: object) -> None:
        raise error

    monkeypatch.setattr(what, name, fails)


@pytest.mark.parametrize(
    "why", ["only 3 MB are free", "the name deb.debian.org is unknown here", "Hash Sum mismatch"]
)
def test_what_could_not_be_fetched_is_told_as_it_is(
    monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    fail_with(monkeypatch, known()["rabbitmq"], "provide", LabsError(why))
    one, told = rabbitmq_for(RUN)
    assert one is None
    assert why in told
    with pytest.raises(LabsError, match=why):
        rabbitmq()


def test_where_there_is_none_the_result_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    fail_with(monkeypatch, known()["rabbitmq"], "provide", NoRabbitMQ("there is no apt"))
    assert rabbitmq() is None
    assert rabbitmq_for(RUN) == (None, "RabbitMQ can't be had here")


def test_one_that_does_not_start_is_left_out_with_the_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(known()["rabbitmq"], "provide", lambda *_: None)
    fail_with(monkeypatch, Service, "start", LabsError("RabbitMQ's node 2 died"))
    one, why = rabbitmq_for(RUN)
    assert one is None
    assert "RabbitMQ's node 2 died" in why
    with pytest.raises(LabsError, match="node 2 died"):
        rabbitmq()
