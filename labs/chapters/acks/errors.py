"""acks.failed_but_written and acks.java_error: what an error says, and what it does not."""

from __future__ import annotations

from labs.base.clock import now
from labs.base.figures import ms
from labs.base.words import Words
from labs.chapters.acks.common import (
    address_of,
    errors,
    leader_alone,
    min_isr_setting,
    producer,
    rate_setting,
    topic,
    while_all_is_well,
)
from labs.chapters.acks.java import ITS_OWN, Printed, console_producer
from labs.experiment.experiment import Experiment
from labs.experiment.prediction import Options
from labs.experiment.result import NONE, Result
from labs.experiment.run import Run
from labs.experiment.settings import Choice, Number
from labs.experiment.views import Bars
from labs.kafka.config import HEARTBEAT_S, SESSION_S
from labs.workload import flight_payload, set_here
from labs.workload.history import Outcome, Read
from labs.workload.outcomes import left_by, of_java

words = Words(__file__)

# -- a send that ended in an error, and was written ------------------------------------------------

#: So much longer than a request's time-out the broker stays silent, s. Together that is less than
#: the shortest silence after which the controller gives a broker up (its session, less one
#: heartbeat), as long as the time-out is no longer than `SURE_MS`: nobody leaves the ISR, nobody is
#: elected, unless the machine has other things to do. So what the timeline saw is asked, too, and a
#: run with a change shows nothing, and says so.
LONGER_S = 0.5
SURE_MS = int(1000 * (SESSION_S - HEARTBEAT_S - LONGER_S)) - 200
LONGEST_TIMEOUT_MS = 2000

NOT_WRITTEN, WRITTEN = "not_written", "written"


def _failed_but_written(run: Run) -> None:
    topic(run)
    frozen = run.leader() if run["paused"] == "leader" else run.followers()[0]
    # One request at a time: the next is sent only when this one has ended, well or ill.
    options = {"max_in_flight_requests_per_connection": 1}
    client = producer(run, "all", request_timeout_ms=run["request_timeout_ms"], **options)
    load = run.load(client, run["rate"])
    while_all_is_well(run)
    leader = run.leader()
    paused = run.fault("pause", frozen)
    run.sleep(run["request_timeout_ms"] / 1000 + LONGER_S)
    run.fault("resume", frozen)
    run.sleep(0.5)
    load.stop()
    changed = seen_to_change(run, leader, paused)
    counts = run.verdict().counts
    found = {read.number: read for read in run.log.reads} if run.log else {}
    ended = [s for s in load.sends if s.error and s.outcome is not Outcome.OK]
    written = [s for s in ended if s.number in found]
    run.measurements |= {
        "ended_in_an_error": len(ended),
        "and_yet_readable": len(written),
        "error": ", ".join(sorted(errors(load.sends))) or NONE,
        "isr_or_leader_changed": "yes" if changed else "no",
    }
    told = [_found(run, len(ended), found.get(written[0].number) if written else None)]
    if changed:
        told.append(words(f"failed_but_written.changed.{changed}"))
    run.conclude(". ".join(told))
    run.show(run.story(words("failed_but_written.title", **run.values)))
    labels = ["acknowledged", "error_readable", "error_unreadable"]
    parts = [counts.acknowledged, len(written), len(ended) - len(written)]
    title = words("failed_but_written.written", counts=counts)
    run.show(Bars(title, labels, {"records": parts}, "records", names=words.under("shown")))


def _found(run: Run, ended: int, first: Read | None) -> str:
    """`first`: a record whose send ended in an error, and that is in the log."""
    if first is None:
        return words(f"failed_but_written.told.{'none' if ended else 'no_error'}", **run.values)
    return words(
        "failed_but_written.told.some", number=first.number, offset=first.offset, **run.values
    )


def seen_to_change(run: Run, leader: int, paused: float) -> str:
    """What changed in the partition after the pause: `leader`, `isr`, or nothing ("")."""
    assert run.timeline is not None
    led = run.timeline.first(lambda p: p.leader != leader, paused)
    left = run.timeline.first(lambda p: bool(p.out_of_sync), paused)
    return "leader" if led is not None else "isr" if left is not None else ""


def _written(result: Result) -> str | None:
    m = result.measurements
    # That no record was written proves nothing: the next one may be.
    told = m["and_yet_readable"] and m["isr_or_leader_changed"] == "no"
    return WRITTEN if told else None


FAILED_BUT_WRITTEN = Experiment(
    "acks.failed_but_written",
    words,
    (
        Choice("paused", ("follower", "leader"), "follower"),
        Number(
            "request_timeout_ms",
            500,
            LONGEST_TIMEOUT_MS,
            1000,
            "ms",
            100,
            facts={"sure": SURE_MS},
        ),
        min_isr_setting(),
        rate_setting(50, 200),
    ),
    _failed_but_written,
    Options((NOT_WRITTEN, WRITTEN), _written),
    about=("ended_in_an_error", "and_yet_readable"),
)

# -- the same error, seen by two clients -----------------------------------------------------------

#: The Java client's own default; its console producer would set 3.
JAVA_RETRIES = "2147483647"
#: How many are sent by each client below the minimum.
FEW = 5
NAMES_IT, TIMES_OUT, NO_ERROR = "names_it", "times_out", "no_error"


def _java_error(run: Run) -> None:
    topic(run)
    leader, followers = run.leader(), run.followers()
    client = producer(run, "all")
    run.load(client, 50, count=20).wait()
    for follower in followers:
        run.fault("stop", follower)
    run.wait(lambda: leader_alone(run, leader), words("awaited.leader_alone"))
    run.say(words("java_error.says.python"))
    python = run.load(client, 50, count=FEW)
    python.wait()
    heard_ms = [(s.latency_s or 0.0) * 1000 for s in python.sends]
    run.say(words("java_error.says.java"))
    java = _by_java(run)
    class_name, text = java.exceptions[0] if java.exceptions else ("", "")
    run.measurements |= {
        "python_error": ", ".join(sorted(errors(python.sends))) or "none",
        "java_exception": class_name or "none",
        "java_text": text,
        "java_names_the_isr": "yes" if _names_it(text) else "no",
        "java_log_names_it": "yes" if any(map(_names_it, java.warnings)) else "no",
        "python_error_after_ms": round(sum(heard_ms) / len(heard_ms), 1),
        "java_error_after_ms": java.retried_ms,
    }
    silent = run.measurements["java_exception"] == "none"
    told = "no_error" if silent else "refused"
    run.conclude(words(f"java_error.told.{told}", text=text.rstrip("."), **run.values))
    run.show(_clients(run))


def _by_java(run: Run) -> Printed:
    """Send a few by Java. It prints an exception for each, but not which record it is about."""
    payload = flight_payload(keyed=False)
    at = now()
    sends = [run.history.invoke(payload, at, at) for _ in range(FEW)]
    wait_ms = int(run["delivery_timeout_ms"])
    settings = {
        "delivery.timeout.ms": wait_ms,
        "request.timeout.ms": wait_ms - 1000,
        "linger.ms": 0,
        "retries": run["retries"],
    }
    run.note(set_here.java_producer(words("java_error.clients.producer"), {**ITS_OWN, **settings}))
    printed = console_producer(
        [address_of(run, run.leader())], run.topic, [send.value for send in sends], settings
    )
    error = printed.exceptions[0][0] if printed.exceptions else ""
    for send in sends:
        send.completed, send.error = now(), error
        # It retries, so only what never left the client is known to be in no log.
        send.outcome = left_by(of_java(error), only_attempt=False) if error else Outcome.OK
    return printed


def _names_it(text: str) -> bool:
    said = text.lower().replace("_", " ")
    return "replica" in said or "isr" in said.split()


def _clients(run: Run) -> Bars:
    m = run.measurements
    labels = [words(f"java_error.clients.{of}", **run.values) for of in ("python", "java")]
    after = [float(m["python_error_after_ms"] or 0), float(m["java_error_after_ms"] or 0)]
    names = [str(m["python_error"]), str(m["java_exception"])]
    notes = [
        words("java_error.no_error")
        if name == "none"
        else words("java_error.error_after", name=name, after=ms(waited))
        for name, waited in zip(names, after, strict=True)
    ]
    title = "no_error" if set(names) == {"none"} else "refused"
    return Bars(
        words(f"java_error.title.{title}", **run.values),
        labels,
        {"waited": after},
        "until_error_ms",
        notes=notes,
        names=words.under("shown"),
    )


def _what_java_says(result: Result) -> str | None:
    name = str(result.measurements["java_exception"])
    if name == "none":
        return NO_ERROR
    return NAMES_IT if name.startswith("NotEnoughReplicas") else TIMES_OUT


JAVA_ERROR = Experiment(
    "acks.java_error",
    words,
    (
        min_isr_setting(),
        Number("delivery_timeout_ms", 2000, 10000, 3000, "ms", 500),
        Choice("retries", ("3", JAVA_RETRIES), JAVA_RETRIES),
    ),
    _java_error,
    Options((NAMES_IT, TIMES_OUT, NO_ERROR), _what_java_says),
    by_wall=lambda _: words("by_wall.delivery_timeout"),
    about=("java_text",),
)
