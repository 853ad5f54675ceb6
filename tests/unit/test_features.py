"""What a broker may answer when it is asked for KIP-848's groups."""

from __future__ import annotations

from typing import Any

import pytest
from kafka.protocol.metadata import ApiVersionsResponse

from labs.base.errors import LabsError
from labs.chapters import find
from labs.kafka.features import NEW_GROUPS
from labs.kafka.messages import ConsumerGroupDescribeRequest, ConsumerGroupDescribeResponse

NOT_FOUND, FORBIDDEN, UNSUPPORTED = 69, 30, 35


class Line:
    """A broker's answers: which heartbeat it knows, its group.version, and the error."""

    def __init__(self, heartbeat: int | None, level: int, error: int = NOT_FOUND) -> None:
        known: Any = ApiVersionsResponse.ApiVersion
        feature: Any = ApiVersionsResponse.FinalizedFeatureKey
        keys = [] if heartbeat is None else [known(68, 0, heartbeat), known(69, 0, 0)]
        self.versions = ApiVersionsResponse(
            api_keys=keys, finalized_features=[feature("group.version", level, level)]
        )
        self.error = error

    def ask(self, request: Any) -> Any:
        answer: Any = ConsumerGroupDescribeResponse
        told = ConsumerGroupDescribeRequest.decode(request.encode(), version=0)
        group = answer.DescribedGroup(
            self.error, None, told.group_ids[0], "", 0, 0, "", [], -(1 << 31)
        )
        return answer.decode(answer[0](0, [group]).encode(), version=0)

    def __enter__(self) -> Line:
        return self

    def __exit__(self, *_: object) -> None:
        pass


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (Line(None, 0), "it came with Kafka 4.0"),
        (Line(0, 0), "it came with Kafka 4.0"),  # 3.7 to 3.9, a preview
        (Line(1, 0, UNSUPPORTED), "its feature group.version is 0"),
        (Line(1, 1, UNSUPPORTED), "group.coordinator.rebalance.protocols leave out consumer"),
        (Line(1, 1), ""),
        (Line(1, 1, FORBIDDEN), ""),
    ],
)
def test_what_is_lacking_is_told(line: Any, said: str) -> None:
    told = NEW_GROUPS.lacking(line, "ann-may-i")
    assert said in told
    assert bool(said) == bool(told)


class Brokers:
    """A cluster whose first broker does not answer."""

    def __init__(self, line: Line) -> None:
        self._line, self.can_break = line, True

    def status(self) -> Any:
        class Seen:
            class Node:
                def __init__(self, node_id: int) -> None:
                    self.id = node_id

            serving = (Node(1), Node(2))

        return Seen

    def named(self, name: str) -> str:
        return name

    def line(self, broker: int, timeout_s: float) -> Line:
        if broker == 1:
            raise ConnectionResetError
        return self._line


def test_an_option_says_so_before_it_runs() -> None:
    brokers: Any = Brokers(Line(0, 0))
    with pytest.raises(LabsError) as refused:
        find("groups.rebalance").run(brokers, {"protocol": "kip-848"})
    assert str(refused.value) == (
        "protocol=kip-848 can't be run here: this Kafka can't do groups of KIP-848's protocol: it"
        " came with Kafka 4.0; choose another protocol, or use the local one: LABS_CLUSTER=local."
    )
    rebalance = find("groups.rebalance")
    for protocol in ("eager", "cooperative"):
        assert rebalance.missing(brokers, {"protocol": protocol}) is None
    able: Any = Brokers(Line(1, 1))
    assert rebalance.missing(able, {"protocol": "kip-848"}) is None
