"""A learner's program is let in to somebody else's Kafka by the file that it is told of."""

from __future__ import annotations

from pathlib import Path

import pytest

from labs.chapters import find_exercise
from labs.exercise.judge import judge
from labs.exercise.verdict import CANT_TELL, PASS
from labs.notebook.check import check
from tests.external.conftest import Enter
from tests.external.others import PREFIX, SECRETS, Others

pytestmark = pytest.mark.external

#: How a program reads the Java client's settings for kafka-python.
LET_IN = r"""
import os, re, javaproperties
with open(os.environ["KAFKA_CLIENT_PROPERTIES"], encoding="latin-1") as file:
    told = javaproperties.load(file)
said = {
    name: value.replace("\\\\", "\\")
    for name, value in re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', told["sasl.jaas.config"])
}
let_in = {
    "security_protocol": told["security.protocol"],
    "ssl_cafile": told["ssl.truststore.location"],
    "sasl_mechanism": told["sasl.mechanism"],
    "sasl_plain_username": said["username"],
    "sasl_plain_password": said["password"],
}
"""


@pytest.fixture(autouse=True)
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LABS_WORK", str(tmp_path / "work"))
    return tmp_path / "work"


def test_a_program_is_told_how_to_be_let_in(
    others: Others, enter: Enter, tmp_path: Path, work: Path
) -> None:
    cluster = enter(others.as_ann)
    cluster.start()
    exercise = find_exercise("05.3")
    solution = exercise.file("solution", "python")
    assert solution
    text = solution.read_text("utf-8").replace("KafkaConsumer(\n", "KafkaConsumer(\n    **let_in,")
    assert "**let_in" in text
    program = tmp_path / "program.py"
    program.write_text(LET_IN + text)
    heard: list[str] = []
    verdict = judge(
        exercise,
        cluster,
        command=[str(program)],
        seed=17,
        tell=lambda text, _: heard.append(text),
        budget_s=150.0,
    )
    assert verdict.verdict == PASS, verdict
    with others.admin() as admin:
        assert any(topic.startswith(f"{PREFIX}exercise-05-3-") for topic in admin.list_topics())
    assert not any(secret in f"{verdict}{heard}" for secret in SECRETS)
    left = [file for file in work.rglob("*") if file.is_file()]
    assert not any(s in f.read_text("utf-8", "replace") for f in left for s in SECRETS)


def test_what_breaks_brokers_says_that_it_can_not_here(
    others: Others, enter: Enter, work: Path
) -> None:
    cluster = enter(others.as_ann)
    cluster.start()
    verdict = judge(find_exercise("02.2"), cluster, command=["true"])
    assert (verdict.verdict, verdict.reason) == (CANT_TELL, "cant_break")
    assert "LABS_CLUSTER=local" in verdict.why
    for id in ("02.2", "03.2", "04.2"):  # a program, a state, a question
        told = check(id, cluster=cluster)
        assert told.verdict is None and told.said == verdict.why
    assert not list(work.glob("0[34]_2"))
