"""The history writes down what a client knows, and no two threads take the same number."""

import time
from threading import Thread
from types import SimpleNamespace

import pytest
from kafka.errors import KafkaTimeoutError
from kafka.future import Future

from labs.workload.history import History, Outcome, Send

THREADS, EACH = 4, 100


def hesitant(number: int) -> tuple[bytes | None, bytes]:
    time.sleep(0)  # another thread may go on here
    return None, b"%d|flight" % number


@pytest.fixture
def send() -> Send:
    return History().invoke(hesitant, 1.0, 2.0)


def test_every_send_is_noted_in_turn_under_the_number_that_its_value_bears() -> None:
    history = History()

    def work() -> None:
        for _ in range(EACH):
            history.invoke(hesitant, 0.0, 0.0)

    threads = [Thread(target=work) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    noted = [(send.number, send.value) for send in history.sends]
    assert noted == [(n, b"%d|flight" % n) for n in range(THREADS * EACH)]


def test_a_send_chained_to_its_future_knows_where_it_was_written(send: Send) -> None:
    answer: Future = Future()
    answer.chain(send)
    assert (send.outcome, send.latency_s) == (Outcome.PENDING, None)
    answer.success(SimpleNamespace(partition=2, offset=17))
    assert (send.outcome, send.partition, send.offset) == (Outcome.OK, 2, 17)
    assert send.latency_s is not None and send.latency_s > 0


@pytest.mark.parametrize("left", [Outcome.FAIL, Outcome.UNKNOWN])
def test_a_send_chained_to_its_future_lets_its_judge_say_what_an_error_leaves(
    send: Send, left: Outcome
) -> None:
    send.judge = lambda _error: left
    answer: Future = Future()
    answer.chain(send)
    answer.failure(KafkaTimeoutError())
    assert (send.outcome, send.error, send.offset) == (left, "KafkaTimeoutError", None)
    assert send.completed is not None
