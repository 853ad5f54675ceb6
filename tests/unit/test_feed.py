"""A feed: one question for all subscribers, whoever of them raises, leaves or waits."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from labs.base.errors import LabsError
from labs.observe.feed import Feed, Subscription
from tests.helpers import wait_until

EVERY_S = 0.02


class Source:
    """Answers with the number of the question, and remembers what each was about."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, ...]] = []
        self.hung_up = 0
        self.trouble: Exception | None = None
        self.gate = threading.Event()
        self.gate.set()

    def ask(self, wanted: Sequence[str]) -> Callable[[str], tuple[str, int]]:
        self.asked.append(tuple(wanted))
        number = len(self.asked)
        self.gate.wait()
        if self.trouble:
            raise self.trouble
        return lambda one: (one, number)

    def hang_up(self) -> None:
        self.hung_up += 1


Heard = list[tuple[str, int]]


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def feed(source: Source) -> Iterator[Feed[str, tuple[str, int]]]:
    feed = Feed("labs-test-feed", source.ask, source.hang_up)
    yield feed
    source.gate.set()
    for subscription in feed.subscriptions:
        subscription.close()
    assert threads() == []


@pytest.fixture
def escaped(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    found: list[Any] = []
    monkeypatch.setattr(threading, "excepthook", found.append)
    return found


def threads() -> list[threading.Thread]:
    return [t for t in threading.enumerate() if t.name == "labs-test-feed"]


Made = Feed[str, tuple[str, int]]


def test_all_hear_the_very_same_answers(feed: Made, source: Source) -> None:
    heard: dict[str, Heard] = {name: [] for name in "abc"}
    for name, got in heard.items():
        feed.subscribe(name, EVERY_S, got.append)
        time.sleep(EVERY_S / 3)  # out of step
    wait_until(lambda: len(heard["c"]) > 20, "answers", 10)
    for subscription in feed.subscriptions:
        subscription.close()
    settled = [wanted for wanted in source.asked if wanted == ("a", "b", "c")]
    assert len(source.asked) - len(settled) <= 4, "from the first common question on, all share"
    assert {number for _, number in heard["c"]} <= {number for _, number in heard["a"]}


def test_who_wants_little_gets_little_and_costs_nothing(feed: Made, source: Source) -> None:
    often: Heard = []
    seldom: Heard = []
    feed.subscribe("often", EVERY_S, often.append)
    feed.subscribe("seldom", 10 * EVERY_S, seldom.append)
    wait_until(lambda: len(seldom) == 4, "answers", 10)
    assert ("seldom",) not in source.asked[1:]
    assert len(often) > 3 * len(seldom)


def test_a_look_is_asked_after_the_call(feed: Made, source: Source) -> None:
    one = feed.subscribe("one")
    assert one.look() == ("one", 1)
    source.gate.clear()
    looks: dict[str, int] = {}

    def look(who: str) -> None:
        looks[who] = one.look()[1]

    waiting = [threading.Thread(target=look, args=[who]) for who in ("early", "late")]
    waiting[0].start()
    wait_until(lambda: len(source.asked) == 2, "the question", 10)
    waiting[1].start()  # the second question is on its way: its answer is too old for this one
    time.sleep(0.1)
    source.gate.set()
    for thread in waiting:
        thread.join()
    assert looks["late"] == 3
    assert looks["early"] in (2, 3), "whichever it finds when it wakes"
    time.sleep(0.1)
    assert len(source.asked) == 3, "it asks only when it is looked at"


def test_who_raises_ends_alone_and_is_loud(feed: Made, source: Source, escaped: list[Any]) -> None:
    heard: Heard = []
    bad = feed.subscribe("bad", EVERY_S, lambda _: 1 / 0)
    feed.subscribe("good", EVERY_S, heard.append)
    wait_until(lambda: len(heard) > 5, "answers", 10)
    assert isinstance(bad.failure, ZeroDivisionError)
    assert [args.exc_type for args in escaped] == [ZeroDivisionError], "once"
    assert not bad.open
    with pytest.raises(ZeroDivisionError):
        bad.look()


def test_no_answer_is_told_and_the_next_one_comes(feed: Made, source: Source) -> None:
    heard: Heard = []
    failed: list[Exception] = []
    subscription = feed.subscribe("one", EVERY_S, heard.append, failed.append)
    wait_until(lambda: heard, "an answer", 10)
    source.trouble = LabsError("nobody is there")
    wait_until(lambda: len(failed) > 3, "failures", 10)
    with pytest.raises(LabsError, match="nobody is there"):
        subscription.look()
    source.trouble = None
    before = len(heard)
    wait_until(lambda: len(heard) > before, "an answer", 10)


def test_a_bug_in_the_question_ends_all_and_is_loud(
    feed: Made, source: Source, escaped: list[Any]
) -> None:
    failed: list[Exception] = []
    one = feed.subscribe("one", EVERY_S, fail=failed.append)
    source.trouble = KeyError("bug")
    wait_until(lambda: escaped, "a loud bug", 10)
    assert (failed, one.failure, one.open) == ([source.trouble], source.trouble, False)
    source.trouble = None
    assert feed.subscribe("two").look()[0] == "two", "who comes later begins anew"


def test_the_thread_ends_with_the_last_and_begins_again(feed: Made, source: Source) -> None:
    first, second = (feed.subscribe(name, EVERY_S) for name in ("a", "b"))
    first.close()
    assert len(threads()) == 1
    second.close()
    assert threads() == []
    assert source.hung_up == 1
    again = feed.subscribe("c")
    again.look()
    again.close()
    again.close()  # no harm
    assert (threads(), source.hung_up) == ([], 2)


def test_who_closes_hears_no_more(feed: Made, source: Source) -> None:
    inside, leave = threading.Event(), threading.Event()
    heard: list[int] = []

    def slowly(_: object) -> None:
        inside.set()
        leave.wait(10)
        heard.append(1)

    subscription = feed.subscribe("slow", EVERY_S, slowly)
    inside.wait(10)
    threading.Timer(0.1, leave.set).start()
    subscription.close()
    assert heard == [1], "close waits for the one that is under way"
    time.sleep(3 * EVERY_S)
    assert heard == [1]


def test_one_may_close_itself_as_it_hears(feed: Made) -> None:
    heard: Heard = []
    mine: list[Subscription[str, tuple[str, int]]] = []

    def once(answer: tuple[str, int]) -> None:
        heard.append(answer)
        mine[0].close()

    with feed.changed:  # the thread waits until it stands in the list
        mine.append(feed.subscribe("once", EVERY_S, once))
    wait_until(lambda: not threads(), "the end of the thread", 10)
    assert heard == [("once", 1)]


def test_a_look_ends_when_its_subscription_is_closed(feed: Made, source: Source) -> None:
    source.gate.clear()
    one, other = feed.subscribe("one"), feed.subscribe("other")
    errors: list[str] = []

    def look() -> None:
        with pytest.raises(LabsError) as told:
            one.look()
        errors.append(str(told.value))

    thread = threading.Thread(target=look)
    thread.start()
    wait_until(lambda: source.asked, "the question", 10)
    one.close()
    thread.join(10)
    assert errors == ["the subscription was closed; look again."]
    source.gate.set()
    assert other.look()[0] == "other"


def test_a_faster_pace_takes_effect_at_once(feed: Made) -> None:
    heard: Heard = []
    subscription = feed.subscribe("one", 60.0, heard.append)
    wait_until(lambda: heard, "the first", 10)
    subscription.every_s = EVERY_S
    wait_until(lambda: len(heard) > 3, "more", 10)
