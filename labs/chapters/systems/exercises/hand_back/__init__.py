"""10.3: a worker of RabbitMQ that loses no task, and hands back what it can't do now.

One of two workers is killed with tasks in its hands, while it waits for its slow reader.
"""

from __future__ import annotations

import json
from collections import Counter

from labs.base.clock import now
from labs.base.flights import flights
from labs.base.words import Words
from labs.chapters.systems.beside import fresh_queue, rabbit_connection, waiting_in
from labs.chapters.systems.exercises.asked import amqp_url, rabbit, wait_for_both
from labs.exercise.exercise import PROGRAM, Exercise
from labs.exercise.judging import Judging
from labs.exercise.program import Program, is_number
from labs.exercise.verdict import NotYet
from labs.services.service import Service

TASKS, FLAKY, QUEUE = 120, 6, "exercise.10.3"
#: The first task is flaky, and is reported before the kill. So it was tried twice for no other
#: reason than that it was handed back; any other may have been in the hands that were killed.
FIRST = 0
#: Lines a second that are read until the kill, and how many lines there are then.
PACE, KILL_AFTER = 30, (20, 40)
#: After so long without a line nothing more will come, s.
QUIET_S, SILENT_S = 1.0, 8.0
DONE, FAILED = "done", "failed"


def judge(judging: Judging) -> tuple[str, ...]:
    """Kill one of two workers, start it again, and look for tasks that were never done."""
    one = rabbit(judging)
    flaky = {FIRST, *judging.random.sample(range(1, TASKS), FLAKY - 1)}
    _fill(one, flaky)
    packages = one.server.parts[0].ensure()
    workers = [
        judging.program(PACE, amqp_url=amqp_url(one), queue=QUEUE, packages=packages)
        for _ in range(2)
    ]
    judging.say("starting")
    for worker in workers:
        worker.start()
    enough = judging.random.randint(*KILL_AFTER)
    wait_for_both(judging, workers, lambda: _count(workers) >= enough and _first_tried(workers))
    victim = max(workers, key=lambda worker: len(worker.lines))
    victim.kill()
    judging.say("killed", line=victim.lines[-1].text.strip())
    victim.start()
    for worker in workers:
        worker.pace = None
    _finish(judging, workers)
    for worker in workers:
        worker.stop()
    tries = _tries(workers)
    missing = sorted(number for number in range(TASKS) if not tries[number, DONE])
    # A worker that acknowledges first loses tasks that it was sent anew, too.
    if untried := [number for number in missing if not tries[number, FAILED]]:
        raise NotYet("acknowledged_first", number=untried[0], count=len(untried))
    if missing:
        raise NotYet("not_handed_back", number=missing[0], count=len(missing))
    if left := _left(one):
        raise NotYet("unacknowledged", count=left)
    _require_failed(judging, flaky, tries)
    again = sum(tries[number, FAILED] > 0 for number in flaky)
    return (judging.exercise.says("evidence", "all", count=TASKS, flaky=again),)


def _left(one: Service) -> int:
    """How many tasks the queue has.

    Raises:
        NotYet: it is gone.
    """
    from pika.exceptions import ChannelClosedByBroker

    try:
        return waiting_in(one, QUEUE)
    except ChannelClosedByBroker as error:
        raise NotYet("queue_gone", str(error)) from None


def _first_tried(workers: list[Program]) -> bool:
    return any(number == FIRST for number, _ in _tries(workers))


def _require_failed(judging: Judging, flaky: set[int], tries: Counter[tuple[int, str]]) -> None:
    """The first task was reported as failed, and none was that is not flaky."""
    says = judging.exercise.says
    if not tries[FIRST, FAILED]:
        told = says("evidence", "never_failed", number=FIRST, count=tries[FIRST, DONE])
        raise NotYet("ignored_failure", told, number=FIRST)
    sound = sorted(number for number, how in tries if how == FAILED and number not in flaky)
    if sound:
        told = says("evidence", "sound", number=sound[0], count=len(sound))
        raise NotYet("failed_in_vain", told, number=sound[0])


def _fill(one: Service, flaky: set[int]) -> None:
    fresh_queue(one, QUEUE)
    connection = rabbit_connection(one)
    channel = connection.channel()
    channel.confirm_delivery()
    for number, flight in enumerate(flights(TASKS)):
        task = {"number": number, "flaky": number in flaky, "carrier": flight.carrier}
        channel.basic_publish("", QUEUE, json.dumps(task).encode())
    connection.close()


def _count(workers: list[Program]) -> int:
    return sum(len(worker.lines) for worker in workers)


def _finish(judging: Judging, workers: list[Program]) -> None:
    """Wait until every task is done and nothing more comes, or until all is quiet."""
    began = now()

    def over() -> bool:
        tries = _tries(workers)
        last = max(began, *(w.lines[-1].time for w in workers if w.lines))
        done = all(tries[number, DONE] for number in range(TASKS))
        return now() - last > (QUIET_S if done else SILENT_S)

    wait_for_both(judging, workers, over)


def _tries(workers: list[Program]) -> Counter[tuple[int, str]]:
    """How often each task was done, and has failed.

    Raises:
        NotYet: a line has another form.
    """
    found: Counter[tuple[int, str]] = Counter()
    for line in (line for worker in workers for line in list(worker.lines)):
        number, _, how = line.text.strip().partition(" ")
        if not is_number(number) or how not in (DONE, FAILED):
            raise NotYet("unreadable_line", line=line.text[:80])
        found[int(number), how] += 1
    return found


EXERCISE = Exercise(
    "10.3",
    PROGRAM,
    Words(__file__),
    judge,
    minutes=12,
    contract=("AMQP_URL", "QUEUE", "PACKAGES"),
)
