"""LABS_BOOTSTRAP as people have it."""

from __future__ import annotations

from pathlib import Path

import pytest

from labs.base.errors import BadInput
from labs.kafka.addresses import Addresses, joined, parse, split
from labs.kafka.cluster import Node, Role, State
from labs.kafka.security import Security, entrance
from tests.external.test_files import ANN, LETTER, written

pytestmark = pytest.mark.external

TWO = Addresses(("a:1", "b:2"))
UNDERSTOOD = {
    "a:1,b:2": TWO,
    " a:1 ,\tb:2 ": TWO,
    "a:1\nb:2\r\n": TWO,
    "a:1; b:2;": TWO,
    "a:1,b:2,": TWO,
    "a:1/,b:2/": TWO,
    "'a:1,b:2'": TWO,
    '"a:1" "b:2"': TWO,
    "[a:1, b:2]": TWO,
    '["a:1","b:2"]': TWO,
    "a:1,b:2,A:1": TWO,
    "SASL_SSL://a:1": Addresses(("a:1",), "SASL_SSL"),
    "sasl_ssl://a:1,SASL_SSL://b:2": Addresses(("a:1", "b:2"), "SASL_SSL"),
    "SSL://a:1,b:2": Addresses(("a:1", "b:2"), "SSL"),
    "PLAINTEXT://localhost:9092/": Addresses(("localhost:9092",), "PLAINTEXT"),
    "[::1]:9092": Addresses(("[::1]:9092",)),
    "SSL://[2001:db8::5]:9093": Addresses(("[2001:db8::5]:9093",), "SSL"),
    "BROKER-1.Example.com:9092": Addresses(("BROKER-1.Example.com:9092",)),
    "kafka_1:29092": Addresses(("kafka_1:29092",)),
    " , ": Addresses(()),
}


@pytest.mark.parametrize("text", UNDERSTOOD)
def test_a_list_in_any_dress_is_understood(text: str) -> None:
    assert parse(text) == UNDERSTOOD[text]
    for host in parse(text).hosts:
        assert joined(*split(host)) == host


REFUSED = {
    "a": "'a' is no address; write it as host:port.",
    "a:": "'a:' is no address; write it as host:port.",
    ":9092": "':9092' is no address",
    "a: 9092": "'a:' is no address",
    "a:0": "0 in 'a:0' is no port; a port is 1 to 65535",
    "a:70000": "70000 in 'a:70000' is no port",
    "a:" + "9" * 5000: "is no port",
    "a:²": "'a:²' is no address",
    "a:9092/topic": "'a:9092/topic' is no address",
    "a:9092:9093": "'a:9092' is no host's name",
    "::1:9092": "write IPv6 in brackets, as [::1]:9092",
    "2001:db8::5": "write IPv6 in brackets",
    "[::1]": "write IPv6 in brackets",
    "[not:ipv6]:9092": "is no host's name",
    "a..b:1": "'a..b' is no host's name",
    "a" * 64 + ".example:1": "is no host's name",
    "카프카:9092": "'카프카' is no host's name",
    "<broker>:9092": "'<broker>' is no host's name",
    "${BROKER}:9092": "'${BROKER}' is no host's name",
    "http://a:9092": "http:// before an address is none of Kafka's: no client learns from it",
    "kafka://a:9092": "kafka:// before an address is none of Kafka's",
    "OUTSIDE://localhost:29092": "OUTSIDE:// before an address names a listener of that broker",
    "PLAINTEXT_HOST://localhost:29092": "PLAINTEXT_HOST:// before an address names a listener",
    "SSL://a:1,PLAINTEXT://b:2": "the addresses name PLAINTEXT and SSL",
    "~/client.properties": "a file is named by LABS_CLIENT_PROPERTIES",
    "C:\\kafka\\client.properties": "a file is named by LABS_CLIENT_PROPERTIES",
    "bootstrap.servers=a:9092": "alone, without the setting's name",
    "SASL_SSL://ann:s3cret@a:9092": "an address holds an '@'",
}


@pytest.mark.parametrize("text", REFUSED)
def test_the_rest_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(BadInput) as refused:
        parse(text)
    assert REFUSED[text] in str(refused.value)
    assert "s3cret" not in str(refused.value)
    assert len(str(refused.value)) < 300


def test_protocol_and_file_agree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABS_CLIENT_PROPERTIES", str(written(tmp_path, LETTER)))
    monkeypatch.setenv("LABS_BOOTSTRAP", "SASL_SSL://a:1")
    assert (entrance().hosts, entrance().security) == (("a:1",), ANN)
    without = LETTER.replace("security.protocol=SASL_SSL\n", "")
    written(tmp_path, without)
    assert entrance().security == ANN, "the protocol may stand before the address alone"
    written(tmp_path, without + "bootstrap.servers=SASL_SSL://other:2\n")
    monkeypatch.setenv("LABS_BOOTSTRAP", "a:1")
    assert (entrance().hosts, entrance().security) == (("a:1",), ANN)
    for protocol in ("PLAINTEXT", "SSL", "SASL_PLAINTEXT"):
        monkeypatch.setenv("LABS_BOOTSTRAP", f"{protocol}://a:1")
        written(tmp_path, LETTER)
        with pytest.raises(BadInput, match=f"LABS_BOOTSTRAP says {protocol}, and .* says SASL_SSL"):
            entrance()


def test_a_protocol_without_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LABS_CLIENT_PROPERTIES", raising=False)
    for protocol in ("PLAINTEXT", "SSL"):
        monkeypatch.setenv("LABS_BOOTSTRAP", f"{protocol}://a:1")
        assert entrance().security == Security(protocol)
    monkeypatch.setenv("LABS_BOOTSTRAP", "SASL_SSL://a:1")
    with pytest.raises(
        BadInput, match="says SASL_SSL, which needs a user name and a password; let"
    ):
        entrance()


def test_a_node_that_listens_on_ipv6_has_an_address() -> None:
    node = Node(1, Role.BROKER, State.RUNNING, None, 9092, "", host="::1")
    assert split(node.address) == ("::1", 9092)
