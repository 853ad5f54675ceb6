"""A broker that can't start: the reason stands in the sentence, and nothing is left running."""

from __future__ import annotations

import re

from tests.helpers import Labs


def test_damaged_storage(labs: Labs) -> None:
    labs.up()
    assert labs.run("down").code == 0
    for command in (("start", "1"), ("start", "100"), ("kill", "1")):
        assert "the cluster is not up" in labs.run(*command).sentence()
    assert labs.leftovers() == []

    labs.home.log_of("broker-2").write_bytes(b"as long as it gets\n" * 300_000)  # it is rotated
    meta = labs.home.data / "broker-2" / "records" / "meta.properties"
    good = meta.read_text()

    meta.write_text(re.sub("node.id=.*", "node.id=7", good))
    answer = labs.run("up")
    assert answer.code == 1
    sentence = answer.sentence()
    assert "broker 2 died while it was starting; its log says: " in sentence
    assert "Stored node id 7 doesn't match previous node id 2" in sentence  # Kafka's own reason
    assert str(labs.home.log_of("broker-2")) in sentence
    assert "`labs reset --hard`" in sentence
    assert labs.jvms() == []
    assert labs.run("status", "--json").code == 3

    meta.write_text(re.sub("cluster.id=.*", "cluster.id=AAAAAAAAAAAAAAAAAAAAAA", good))
    answer = labs.run("up")
    assert answer.code == 1
    assert f"{meta} does not name this cluster's id" in answer.sentence()
    assert labs.jvms() == []

    meta.write_text(good)
    labs.up()  # mended by hand

    # The same for a single broker of a running cluster: the others go on.
    meta.write_text(re.sub("node.id=.*", "node.id=7", good))
    assert labs.run("kill", "2").code == 0
    answer = labs.run("start", "2")
    assert answer.code == 1
    assert "Stored node id 7" in answer.sentence()
    others = labs.jvms()
    assert len(others) == 3
    assert "Stored node id 7" in labs.run("up").sentence()
    assert labs.jvms() == others

    assert labs.run("reset", "--hard").code == 0  # mended as the sentence says
    assert len(labs.jvms()) == 4


def test_nothing_was_ever_started(labs: Labs) -> None:
    expected = {
        ("status",): (3, "`labs up`"),
        ("kill", "1"): (1, "the cluster is not up"),
        ("logs",): (1, "no logs yet"),
    }
    for command, (code, told) in expected.items():
        answer = labs.run(*command)
        assert (answer.code, told in answer.sentence()) == (code, True), command
    assert labs.run("down").code == 0
    for wrong in (("kill", "one"), ("explode",), ("up", "--soon"), ("kill",)):
        answer = labs.run(*wrong)
        assert (answer.code, "`labs --help`" in answer.sentence()) == (2, True), wrong
    assert not labs.home.path.exists()
