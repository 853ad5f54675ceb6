"""What every experiment may count on, and a second opinion that is not ours."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import pytest

from labs.base.errors import BadInput, LabsError
from labs.base.words import Words
from labs.chapters import all_experiments, find
from labs.experiment.experiment import Experiment
from labs.experiment.live import Live, Stopped
from labs.experiment.native import native_producer
from labs.experiment.run import Run
from labs.kafka.cluster import State
from labs.kafka.local import LocalCluster
from labs.observe.observer import snapshot
from labs.workload import number_of, read_back, set_here
from labs.workload.history import Outcome
from labs.workload.reading import reader_options
from tests.helpers import Labs
from tests.kafka_tools import consume, end_offsets

SHORT = {"lag_s": 1, "rate": 50}
COUNTS = {
    "sent", "acknowledged", "failed", "unknown", "readable", "lost", "duplicated", "reordered"
}  # fmt: skip


def is_whole(cluster: LocalCluster) -> bool:
    running = all(node.state is State.RUNNING for node in cluster.status().nodes)
    seen = snapshot(cluster)
    return running and not seen.fenced and not any(p.out_of_sync for p in seen.partitions)


def trial(body: object, breaks: bool = True) -> Experiment:
    return Experiment("trial.of_machinery", Words(__file__), (), body, breaks=breaks)  # type: ignore[arg-type]


def send_some(run: Run, count: int = 40, rate: float = 100) -> None:
    run.make_topic(partitions=2)
    run.load(run.producer(), rate, count).wait()


@pytest.mark.parametrize("acks", ["1", "all"])
def test_kafkas_own_tools_read_what_the_checker_calls_readable(
    shared_cluster: LocalCluster, acks: str
) -> None:
    result = find("acks.leader_crash").run(shared_cluster, {"acks": acks, **SHORT})
    counts, bootstrap = result.report.counts, shared_cluster.bootstrap
    promised = sum(end_offsets(bootstrap, result.topic).values())
    values = consume(bootstrap, result.topic, promised)
    numbers = [number_of(value.encode()) for value in values]
    assert len(set(numbers)) == counts.readable
    assert len(numbers) - len(set(numbers)) == counts.duplicated
    assert promised == len(values)
    lost = {o.number for o in result.report.offenders if o.kind == "lost"}
    assert not lost & set(numbers), "what the checker calls lost, Kafka can't read either"
    assert bool(lost) == bool(counts.lost)


def test_a_quiet_run_is_valid_to_the_last_record(shared_cluster: LocalCluster) -> None:
    result = trial(send_some, breaks=False).run(shared_cluster)
    counts = result.report.counts
    assert (result.report.verdict, counts.acknowledged, counts.readable) == ("valid", 40, 40)


def test_a_fault_is_undone_when_the_body_fails(shared_cluster: LocalCluster) -> None:
    def body(run: Run) -> None:
        send_some(run)
        run.fault("pause", 1)
        run.fault("kill", 2)
        raise LabsError("it went wrong")

    with pytest.raises(LabsError, match="it went wrong"):
        trial(body).run(shared_cluster)
    assert is_whole(shared_cluster)


def test_a_producer_that_gets_no_answer_writes_no_more_once_it_is_closed(
    shared_cluster: LocalCluster,
) -> None:
    """Else it would write after all was read back, and its records would be called lost."""

    def body(run: Run) -> None:
        run.make_topic(partitions=2)
        producer = run.producer()
        run.load(producer, 100, 10).wait()  # it finds its way before the broker is paused
        run.fault("pause", run.leader())
        load = run.load(producer, 0, 10, partition=0)
        run.wait(lambda: len(load.sends) == 10, "all were handed over")
        run.close_senders()
        assert not producer._sender.is_alive()  # noqa: SLF001

    assert trial(body).run(shared_cluster).report.counts.lost == 0
    assert is_whole(shared_cluster)


def _flush_in_vain(run: Run) -> None:
    run.make_topic(config={"min.insync.replicas": "3"})
    run.fault("pause", run.leader())
    producer = run.producer()
    producer.send(run.topic, b"x", partition=0)
    producer.flush(0.5)


def _list_in_vain(run: Run) -> None:
    client = native_producer(run)
    for node in (1, 2, 3):
        run.fault("pause", node)
    client.list_topics("no-such-topic", timeout=0.5)


@pytest.mark.parametrize(
    ("body", "name"),
    [(_flush_in_vain, "KafkaTimeoutError"), (_list_in_vain, "_(TRANSPORT|TIMED_OUT)")],
)
def test_a_client_that_gives_up_is_told_in_a_sentence(
    shared_cluster: LocalCluster, body: object, name: str
) -> None:
    with pytest.raises(LabsError, match=f"ended early: a client gave up .{name}"):
        trial(body).run(shared_cluster)
    assert is_whole(shared_cluster)


def test_a_fault_is_undone_when_the_run_is_stopped(shared_cluster: LocalCluster) -> None:
    live, broken = Live(), threading.Event()

    def body(run: Run) -> None:
        send_some(run)
        run.fault("pause", 3)
        broken.set()
        run.sleep(60)

    def stop() -> None:
        broken.wait(60)
        live.stop()

    threading.Thread(target=stop, daemon=True).start()
    began = time.monotonic()
    with pytest.raises(Stopped):
        trial(body).run(shared_cluster, live=live)
    assert time.monotonic() - began < 60, "it did not sleep on"
    assert is_whole(shared_cluster)


def test_the_next_run_begins_on_a_healthy_cluster(shared_cluster: LocalCluster) -> None:
    shared_cluster.kill(2)
    shared_cluster.pause(3)
    result = trial(send_some).run(shared_cluster)
    assert result.report.verdict == "valid"
    assert is_whole(shared_cluster)


def test_the_timeline_saw_the_leader_die_and_the_next_one_rise(
    shared_cluster: LocalCluster,
) -> None:
    seen: dict[str, object] = {}

    def body(run: Run) -> None:
        run.make_topic()
        load = run.load(run.producer(), rate=100)
        leader = run.leader()
        run.sleep(0.5)
        killed = run.fault("kill", leader)
        assert run.timeline is not None
        moved = run.wait(
            lambda: run.timeline and run.timeline.first(lambda p: p.leader not in (None, leader),
                                                        killed), "another led")  # fmt: skip
        load.stop()
        timeline = run.timeline
        run.wait(
            lambda: timeline.high_watermark() == max(timeline.log_ends().values()),
            "the high watermark came to the log end",
        )
        seen.update(leader=leader, killed=killed, moved=moved, latest=timeline.latest())
        run.show(run.story("a killed leader"))

    result = trial(body).run(shared_cluster)
    latest = seen["latest"]
    assert seen["moved"] > seen["killed"]  # type: ignore[operator]
    assert latest.epoch >= 1 and latest.leader != seen["leader"]  # type: ignore[attr-defined]
    assert result.report.verdict == "valid"
    (story,) = result.views
    assert [mark.what.partition(":")[0] for mark in story.marks] == ["kill"]  # type: ignore[attr-defined]


def test_a_run_reads_from_whoever_runs_and_concludes_nothing_from_half_a_reading(
    shared_cluster: LocalCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    def body(run: Run) -> None:
        send_some(run)
        run.fault("kill", 1)
        run.fault("kill", 2)
        left = next(n.address for n in run.cluster.status().nodes if n.id == 3)
        assert run.serving == [left]
        run.wait(lambda: all(run.partition(p).leader == 3 for p in (0, 1)), "broker 3 led")
        run.wait(lambda: {read.number for read in run.read().reads} == set(range(40)), "all of it")
        dead = [n.address for n in run.cluster.status().nodes if n.id in (1, 2)]
        run.note(set_here.kafka_python("consumer", reader_options(1)))
        nobody = read_back(dead, run.topic, timeout_s=1)
        assert (nobody.complete, nobody.reads) == (False, ())
        monkeypatch.setattr("labs.experiment.run.read_back", lambda *_args, **_options: nobody)
        with pytest.raises(LabsError, match="did not read to the end"):
            run.read()
        monkeypatch.undo()

    assert trial(body).run(shared_cluster).report.verdict == "valid"


def test_acks_0_is_never_an_acknowledgement(shared_cluster: LocalCluster) -> None:
    def body(run: Run) -> None:
        run.make_topic()
        run.load(run.producer(acks=0, enable_idempotence=False), 100, 30).wait(1)
        run.sleep(0.5)
        assert {s.outcome for s in run.history.sends} == {Outcome.UNKNOWN}

    report = trial(body, breaks=False).run(shared_cluster).report
    assert (report.verdict, report.counts.acknowledged, report.counts.lost) == ("unknown", 0, 0)


def test_names_and_questions_are_in_order() -> None:
    names = [experiment.name for experiment in all_experiments()]
    assert len(names) == len(set(names))
    for experiment in all_experiments():
        chapter, dot, what = experiment.name.partition(".")
        assert chapter and dot and what.replace("_", "").isalnum()
        assert experiment.question.endswith("?") and experiment.ask is not None
        for setting in experiment.settings:
            assert experiment.help(setting) and setting.parse(setting.default) == setting.default


def test_an_unknown_experiment_is_refused_by_name() -> None:
    with pytest.raises(BadInput, match=r"acks\.leader_crash"):
        find("acks.leader_crush")


def test_the_command_prints_one_object_and_draws(
    shared_cluster: LocalCluster, tmp_path: Path
) -> None:
    labs = Labs(shared_cluster.home.path)
    picture = tmp_path / "crash.png"
    arguments = ("--set", "acks=all", "--set", "lag_s=1", "--json", "--plot", str(picture))
    answer = labs.run("run", "acks.leader_crash", *arguments)
    assert answer.code == 0, answer.err
    told = json.loads(answer.out)
    assert set(told) == {
        "experiment", "settings", "verdict", "counts", "offenders", "topic", "bootstrap",
        "duration_s", "measurements", "set_here", "processing", "key_order",
    }  # fmt: skip
    assert set(told["counts"]) == COUNTS
    assert (told["experiment"], told["settings"]["acks"]) == ("acks.leader_crash", "all")
    assert told["verdict"] == "valid"
    assert told["processing"] is told["key_order"] is None, "it is about the log alone"
    assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("acks.nothing",), "acks.leader_crash"),
        (("acks.leader_crash", "--set", "acks=2"), "one of 0, 1, all"),
        (("acks.leader_crash", "--set", "rate=100000"), "from 10 to"),
        (("acks.leader_crash", "--set", "colour=red"), "acks, rate"),
        (("acks.leader_crash", "--set", "acks"), "--set key=value"),
        (("acks.leader_crash", "--plot", "crash.jpg"), ".png"),
        (("acks.leader_crash", "--plot", "nowhere/crash.png"), "folder"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_2(
    shared_cluster: LocalCluster, arguments: tuple[str, ...], told: str
) -> None:
    answer = Labs(shared_cluster.home.path).run("run", *arguments)
    assert (answer.code, answer.out) == (2, "")
    assert told in answer.sentence()


def test_the_list_of_experiments(shared_cluster: LocalCluster) -> None:
    labs = Labs(shared_cluster.home.path)
    listed = json.loads(labs.run("experiments", "--json").out)
    assert [row["name"] for row in listed] == [e.name for e in all_experiments()]
    assert all(set(row) == {"name", "question", "breaks", "settings"} for row in listed)
    assert "acks.leader_crash" in labs.run("experiments").out
