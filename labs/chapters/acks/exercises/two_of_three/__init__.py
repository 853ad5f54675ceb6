"""03.2: a topic that takes records with one broker down, and refuses them with two."""

from __future__ import annotations

from collections.abc import Mapping

from kafka.errors import KafkaError

from labs.base.waiting import wait_for
from labs.base.words import Words, listed
from labs.exercise.exercise import STATE, Exercise
from labs.exercise.judging import Judging
from labs.exercise.own_topic import explain_refusal
from labs.exercise.verdict import NotYet
from labs.kafka.cluster import label_of
from labs.workload.topic import fresh_name

#: How long one record may take, ms: longer than an election takes here.
SEND_MS = 9000


def prepare(judging: Judging) -> Mapping[str, str]:
    """Only a name: the learner makes the topic."""
    return {"TOPIC": fresh_name(judging.cluster, "two-of-three-")}


def judge(judging: Judging) -> tuple[str, ...]:
    """Stop the leader, send; stop another replica, send again."""
    topic, says = judging.asked["TOPIC"], judging.exercise.says
    if not judging.exists(topic):
        raise NotYet("no_topic", topic=topic)
    seen = judging.partition(topic)
    replicas, size = list(seen.replicas), len(seen.replicas)
    told = says("evidence", "replicas", replicas=", ".join(map(str, replicas)))
    if error := _sent(judging, topic):
        explain_refusal(topic, error)
    first = judging.leader(topic)
    judging.fault("stop", first)
    refused = _sent(judging, topic)
    if refused:
        down = says("evidence", "refused", down=label_of(first), error=refused)
        reason = "too_few_replicas" if size < 3 else "refuses_with_one_down"
        raise NotYet(reason, told, down, count=size)
    followers = [broker for broker in replicas if broker not in (first, judging.leader(topic))]
    if not followers:
        raise NotYet("one_left", told, says("evidence", "took", down=label_of(first)), count=size)
    second = judging.random.choice(followers)
    judging.fault("stop", second)
    wait_for(lambda: len(judging.partition(topic).isr) == 1, says("awaited", "one_alone"))
    refused = _sent(judging, topic)
    both = listed([label_of(first), label_of(second)])
    if not refused:
        raise NotYet("takes_with_two_down", told, says("evidence", "took", down=both))
    return (
        told,
        says("evidence", "took", down=label_of(first)),
        says("evidence", "refused", down=both, error=refused),
    )


def _sent(judging: Judging, topic: str) -> str:
    """Send one record with acks=all; the error's name, or "" if it was acknowledged."""
    options = {"enable_idempotence": False, "retries": 0, "max_block_ms": SEND_MS}
    producer = judging.producer(acks="all", request_timeout_ms=SEND_MS, **options)
    try:
        producer.send(topic, b"a flight", partition=0).get(timeout=2 * SEND_MS / 1000)
    except KafkaError as error:
        return type(error).__name__.removesuffix("Error")
    return ""


EXERCISE = Exercise(
    "03.2",
    STATE,
    Words(__file__),
    judge,
    minutes=6,
    contract=("TOPIC",),
    prepare=prepare,
    breaks=True,
)
