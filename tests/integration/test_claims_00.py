"""What chapter 00 says has changed since the book, asked of Kafka's own tools and settings."""

from __future__ import annotations

import pytest

from tests.kafka_tools import java_defaults, refusal


@pytest.mark.parametrize(
    ("tool", "option"),
    [("TopicCommand", "zookeeper"), ("ConsoleProducer", "broker-list")],
)
def test_no_tool_knows_the_options_of_old(tool: str, option: str) -> None:
    said = refusal(f"org.apache.kafka.tools.{tool}", f"--{option}", "127.0.0.1:1")
    assert f"{option} is not a recognized option" in said


def test_a_session_is_with_the_controller_and_not_with_zookeeper() -> None:
    known = java_defaults("broker")
    assert known["broker.session.timeout.ms"].startswith("9000 ")
    assert [name for name in known if "zookeeper" in name] == []


#: The box "the book says … / now …": words of each row, and the test that asks for its "now".
NOW = {
    "seven servers": "test_a_session_is_with_the_controller_and_not_with_zookeeper",
    "--zookeeper …": "test_no_tool_knows_the_options_of_old",
    "--broker-list": "test_no_tool_knows_the_options_of_old",
    "a session with ZooKeeper": "test_a_session_is_with_the_controller_and_not_with_zookeeper",
}
