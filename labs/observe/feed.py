"""One question, asked again and again, and each answer for all subscribers.

A thread asks as often as the most frequent subscriber wants. Each answer goes to every subscriber
whose turn would come before the next question, so that several cost no more questions than one.
The thread starts with the first subscriber and ends with the last.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from typing import Generic, Self, TypeVar

from labs.base.clock import now
from labs.base.errors import LabsError
from labs.base.words import Words
from labs.kafka.wire import NO_ANSWER

W = TypeVar("W")
T = TypeVar("T")

words = Words(__file__)

#: What a question may raise where nobody answers; anything else is a bug.
FORESEEN = (LabsError, *NO_ANSWER)


def ignore(_: object) -> None:
    """Do nothing with an answer or an error: the subscriber asks by `look` only."""


class Subscription(Generic[W, T]):
    """What one subscriber wants of a feed. Safe to share between threads.

    `failure`: the exception that ended it, if one did.
    """

    def __init__(
        self,
        feed: Feed[W, T],
        wanted: W,
        every_s: float,
        hear: Callable[[T], object],
        fail: Callable[[Exception], object],
    ) -> None:
        self.wanted, self.hear, self.fail = wanted, hear, fail
        self.failure: Exception | None = None
        self._feed = feed
        self._every_s = every_s
        self.due = -math.inf if every_s < math.inf else math.inf  # the feed's: when to ask next
        self.begun = self.finished = 0  # the feed's: questions asked and answered for this one
        self.last: T | Exception | None = None  # the feed's: the newest answer

    @property
    def every_s(self) -> float:
        """From one answer to the next, s; infinite: only when `look` asks."""
        return self._every_s

    @every_s.setter
    def every_s(self, seconds: float) -> None:
        if seconds != self._every_s:
            with self._feed.changed:
                self._every_s = seconds
                self.due = min(self.due, now() + seconds)
                self._feed.changed.notify_all()

    @property
    def open(self) -> bool:
        """Whether it still gets answers."""
        return self in self._feed.subscriptions

    def look(self) -> T:
        """The answer to a question that is asked after this call; `hear` gets it first.

        Raises:
            LabsError: the question could not be asked, or the subscription was closed meanwhile.
            OSError, KafkaError, ValueError, struct.error: nobody answered.
        """
        with self._feed.changed:
            goal, self.due = self.begun + 1, -math.inf
            self._feed.changed.notify_all()
            self._feed.changed.wait_for(lambda: self.finished >= goal or not self.open)
            answer = self.last
            if self.finished < goal:
                raise self.failure or LabsError(words("feed.closed"), hint=words("feed.hint"))
        if isinstance(answer, Exception):
            raise answer
        return answer  # type: ignore[return-value]

    def close(self) -> None:
        """Get no more answers. When this returns, `hear` is not running (unless it closes this)."""
        self._feed.remove(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Feed(Generic[W, T]):
    """A thread that asks one question for all of its subscribers.

    Args:
        name: of the thread.
        ask: asks for all that these subscribers want; returns what tells each its own part.
        hang_up: called when nobody subscribes any more.
    """

    def __init__(
        self,
        name: str,
        ask: Callable[[Sequence[W]], Callable[[W], T]],
        hang_up: Callable[[], object],
    ) -> None:
        self.name, self._ask, self._hang_up = name, ask, hang_up
        self.changed = threading.Condition()  # guards all that follows, and each subscription
        self.subscriptions: tuple[Subscription[W, T], ...] = ()
        self._thread: threading.Thread | None = None
        self._telling = threading.RLock()  # held while a subscriber hears an answer

    def subscribe(
        self,
        wanted: W,
        every_s: float = math.inf,
        hear: Callable[[T], object] = ignore,
        fail: Callable[[Exception], object] = ignore,
    ) -> Subscription[W, T]:
        """Get an answer every `every_s`, and when `look` asks for one.

        Args:
            wanted: what to ask for.
            every_s: from one answer to the next, s.
            hear: called with each answer, in the feed's thread. What it raises ends the
                subscription, and is told as any thread's exception is.
            fail: called instead where there was no answer.
        """
        subscription = Subscription(self, wanted, every_s, hear, fail)
        with self.changed:
            self.subscriptions += (subscription,)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name=self.name, daemon=True)
                self._thread.start()
            self.changed.notify_all()
        return subscription

    def remove(self, subscription: Subscription[W, T]) -> None:
        """Forget a subscription; the thread has ended afterwards if this was the last one."""
        with self.changed:
            thread = self._thread
            self.subscriptions = tuple(s for s in self.subscriptions if s is not subscription)
            self.changed.notify_all()
        if thread is None or thread is threading.current_thread():
            return
        with self._telling:
            pass  # what it was hearing is over
        with self.changed:
            self.changed.wait_for(lambda: self.subscriptions or self._thread is not thread)
            ended = self._thread is not thread
        if ended:
            thread.join()

    # -- the thread ----------------------------------------------------------------------------

    def _work(self) -> None:
        try:
            while served := self._next():
                self._serve(served)
        except Exception as bug:
            with self.changed:
                ended, self.subscriptions = self.subscriptions, ()
                for subscription in ended:
                    subscription.failure = bug
                self._end()
            for subscription in ended:
                subscription.fail(bug)
            raise

    def _next(self) -> list[Subscription[W, T]]:
        """Wait until a question is due; those whom its answer serves. Empty: nobody subscribes."""
        with self.changed:
            while self.subscriptions:
                begun, due = now(), min(s.due for s in self.subscriptions)
                if due <= begun:
                    return self._begin(begun)
                self.changed.wait(None if due == math.inf else due - begun)
            self._end()
            return []

    def _begin(self, begun: float) -> list[Subscription[W, T]]:
        pace_s = min(s.every_s for s in self.subscriptions)
        served = [s for s in self.subscriptions if s.due <= begun or s.due < begun + pace_s]
        for subscription in served:
            subscription.begun += 1
            late_s = begun - subscription.due
            on_time = 0 <= late_s < subscription.every_s
            subscription.due = (subscription.due if on_time else begun) + subscription.every_s
        return served

    def _end(self) -> None:
        self._hang_up()
        self._thread = None
        self.changed.notify_all()

    def _serve(self, served: Sequence[Subscription[W, T]]) -> None:
        try:
            part = self._ask([subscription.wanted for subscription in served])
        except FORESEEN as error:
            for subscription in served:
                self._tell(subscription, error)
        else:
            for subscription in served:
                self._tell(subscription, part(subscription.wanted))

    def _tell(self, subscription: Subscription[W, T], answer: T | Exception) -> None:
        with self._telling:
            try:
                if not subscription.open:
                    return
                if isinstance(answer, Exception):
                    subscription.fail(answer)
                else:
                    subscription.hear(answer)
            except Exception as bug:  # the others go on
                subscription.failure = bug
                self.remove(subscription)
                told = threading.ExceptHookArgs((type(bug), bug, bug.__traceback__, self._thread))
                threading.excepthook(told)
        with self.changed:
            subscription.last, subscription.finished = answer, subscription.begun
            self.changed.notify_all()
