"""replication.controller: what goes on without the controller, and what waits for it."""

from __future__ import annotations

from kafka.errors import KafkaError

from labs.base.clock import now
from labs.base.figures import seconds
from labs.base.words import Words
from labs.chapters.replication.common import await_partition, rate_setting
from labs.experiment.experiment import Experiment
from labs.experiment.prediction import Options
from labs.experiment.result import Result
from labs.experiment.run import Run
from labs.experiment.settings import Switch
from labs.kafka.cluster import CONTROLLER_ID
from labs.workload.history import Outcome, Send

words = Words(__file__)

#: How long the dead leader is watched, s: longer than `broker.session.timeout.ms` in the lab.
WATCH_S = 3.5

#: How long a first acknowledgement may take on a machine that has other things to do, s.
PATIENCE_S = 5.0

#: How long a new consumer is given to read all, s.
READ_S = 10.0

#: How long it is tried to create a topic, ms. Where there is a controller, a tenth of it is enough.
CREATE_TIMEOUT_MS = 1000

NOTHING, ONLY_READ, BOTH = "nothing", "only_read", "both"


def _controller(run: Run) -> None:
    run.make_topic(config={"min.insync.replicas": "2"})
    old = run.leader()
    load = run.load(run.producer(acks="all", request_timeout_ms=8000), run["rate"])
    run.say(words("says.well"))
    run.sleep(0.5)
    dead_at = run.fault("kill", CONTROLLER_ID)
    run.say(words("controller.says.dead"))
    run.measurements["create_topic"] = _create_topic(run)
    until = now() + PATIENCE_S
    while now() < until and not _acknowledged(load.sends, dead_at):
        run.sleep(0.05)
    run.measurements["acknowledged_without_controller"] = len(_acknowledged(load.sends, dead_at))
    run.measurements["read_without_controller"] = _read_now(run)
    if run["leader_too"]:
        run.fault("kill", old)
        run.say(words("controller.says.leader_dead"))
        run.sleep(WATCH_S)
    run.measurements["leader_in_metadata"] = run.partition().leader
    back_at = run.fault("start", CONTROLLER_ID)
    if run["leader_too"]:
        _await_election(run, old, back_at)
    resumed = now()
    run.wait(lambda: _acknowledged(load.sends, resumed), words("controller.awaited.acknowledged"))
    load.stop()
    run.measurements["topic_there_afterwards"] = _topic_exists(run)
    run.verdict()
    _tell(run, old)


def _acknowledged(sends: list[Send], since: float) -> list[Send]:
    return [s for s in sends if s.intended > since and s.outcome is Outcome.OK]


def _read_now(run: Run) -> int | None:
    """How many records a new consumer gets at this moment; None: it did not come to the end."""
    log = run.read_back(timeout_s=READ_S)
    return len(log.reads) if log.complete else None


def _create_topic(run: Run) -> str:
    """What becomes of an attempt to create a topic: the error's name, or "created"."""
    try:
        client = run.admin(request_timeout_ms=CREATE_TIMEOUT_MS)
        client.create_topics({_new_topic(run): {"num_partitions": 1, "replication_factor": 3}})
    except KafkaError as error:
        return type(error).__name__
    return "created"


def _new_topic(run: Run) -> str:
    return f"{run.topic}-new"


def _topic_exists(run: Run) -> str:
    topics = run.ask(lambda client: client.list_topics())
    return "yes" if _new_topic(run) in topics else "no"


def _await_election(run: Run, old: int, back_at: float) -> None:
    new = await_partition(
        run, lambda p: p.leader not in (None, old), words("awaited.new_leader")
    ).leader
    assert run.timeline is not None
    elected = run.timeline.first(lambda p: p.leader == new, back_at)
    after_s, leaderless_s = (
        None if elected is None else round(elected - since, 2)
        for since in (back_at, run.faults[1].time)
    )
    run.measurements["new_leader"] = new
    run.measurements["elected_after_controller_s"] = after_s
    run.measurements["leaderless_s"] = leaderless_s


def _tell(run: Run, old: int) -> None:
    read, leaderless = (run.values.get(id) for id in ("read_without_controller", "leaderless_s"))
    values = {
        "old": old,
        "read": words("controller.unknown_number") if read is None else read,
        "leaderless": seconds(leaderless or 0.0),
    }
    what = "flows_on" if leaderless is None else "leaderless"
    run.conclude(words(f"controller.told.{what}", **values, **run.values))
    run.show(run.story(words(f"controller.title.{what}", **values)))


def _what_works(result: Result) -> str | None:
    read = result.measurements["read_without_controller"]
    written = result.measurements["acknowledged_without_controller"]
    # That nothing came within some seconds does not prove that nothing can.
    return BOTH if read and written else None


CONTROLLER = Experiment(
    "replication.controller",
    words,
    (
        Switch("leader_too", True),
        rate_setting(50),
    ),
    _controller,
    Options((NOTHING, ONLY_READ, BOTH), _what_works),
    about=(
        "create_topic",
        "acknowledged_without_controller",
        "read_without_controller",
        "elected_after_controller_s",
        "leaderless_s",
        "topic_there_afterwards",
    ),
)
