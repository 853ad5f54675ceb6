"""A broker that can't start: the reason stands in the sentence, and nothing is left running."""

from __future__ import annotations

import re

from tests.helpers import Labs


def test_storage_of_another_cluster(labs: Labs) -> None:
    labs.up()
    assert labs.run("down").code == 0
    meta = labs.home.data / "broker-2" / "records" / "meta.properties"
    good = meta.read_text()
    meta.write_text(re.sub("cluster.id=.*", "cluster.id=AAAAAAAAAAAAAAAAAAAAAA", good))

    answer = labs.run("up")
    assert answer.code == 1
    sentence = answer.sentence()
    assert "broker 2 died while it was starting" in sentence
    assert "cluster.id" in sentence  # Kafka's own reason
    assert str(labs.home.log_of("broker-2")) in sentence
    assert "`labs reset --hard`" in sentence
    assert labs.jvms() == []
    assert labs.run("status", "--json").code == 3

    meta.write_text(good)
    labs.up()  # mended by hand

    # The same for a single broker of a running cluster: the others go on.
    meta.write_text(re.sub("cluster.id=.*", "cluster.id=AAAAAAAAAAAAAAAAAAAAAA", good))
    assert labs.run("kill", "2").code == 0
    answer = labs.run("start", "2")
    assert answer.code == 1
    assert "broker 2 died while it was starting" in answer.sentence()
    assert len(labs.jvms()) == 3

    assert labs.run("reset", "--hard").code == 0  # mended as the sentence says
    labs.up()


def test_nothing_was_ever_started(labs: Labs) -> None:
    assert labs.run("status").code == 3
    assert "`labs up`" in labs.run("status").sentence()
    assert labs.run("down").code == 0
    assert labs.run("kill", "1").code == 1
    assert "the cluster is not up" in labs.run("kill", "1").sentence()
    assert labs.run("logs").code == 1
    assert "no logs yet" in labs.run("logs").sentence()
    assert labs.run("kill", "one").code == 2
    assert labs.run("no-such-command").code == 2
    assert not labs.home.path.exists()
