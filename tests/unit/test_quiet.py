"""A client that is closed while it asks is no news; everything else that kafka-python logs is."""

from __future__ import annotations

import inspect
import logging

import kafka.net.selector
import pytest
from kafka.errors import Cancelled, NodeNotReadyError

import labs  # noqa: F401 - as a notebook's first cell


@pytest.mark.parametrize(("error", "told"), [(Cancelled(), False), (NodeNotReadyError(), True)])
def test_a_refresh_that_was_cancelled(
    caplog: pytest.LogCaptureFixture, error: Exception, told: bool
) -> None:
    logging.getLogger("kafka.cluster").error("Metadata refresh: failed %s", error)
    assert bool(caplog.records) is told


@pytest.mark.parametrize(("number", "told"), [(-1, False), (7, True)])
def test_a_socket_that_is_gone(caplog: pytest.LogCaptureFixture, number: int, told: bool) -> None:
    try:
        raise ValueError(f"Invalid file descriptor: {number}")
    except ValueError:
        logging.getLogger("kafka.net.selector").exception("Unhandled exception in task %s:", "read")
    assert bool(caplog.records) is told


def test_a_step_that_waited(caplog: pytest.LogCaptureFixture) -> None:
    source = inspect.getsource(kafka.net.selector)
    assert "blocking the event loop" in source, "kafka-python has other words for it by now"
    logging.getLogger("kafka.net.selector").warning("Task %s is blocking the event loop", "read")
    assert not caplog.records


def test_what_holds_no_error_is_told(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("kafka.cluster").warning("No node available")
    assert len(caplog.records) == 1
