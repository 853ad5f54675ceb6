"""A setting takes what it allows, and says what that is when it refuses."""

from __future__ import annotations

import pytest

from labs.base.errors import BadInput
from labs.experiment.settings import (
    Choice,
    Number,
    Setting,
    Switch,
    by_todays_ids,
    describe,
    resolve,
)
from tests.said import said

SETTINGS: tuple[Setting, ...] = (
    Choice("acks", ("0", "1", "all"), "1"),
    Number("rate", 10, 500, 100, "records/s", 10),
    Number("share", 0, 1, 0.5, step=0.1),
    Switch("idempotence", True),
)
#: What `rate` takes.
RATE = said("experiment", "allowed.whole", low=10, high=500, unit="records/s")


def test_defaults_stand_where_nothing_is_given() -> None:
    assert resolve(SETTINGS, {}) == {"acks": "1", "rate": 100, "share": 0.5, "idempotence": True}


@pytest.mark.parametrize(
    ("name", "given", "value"),
    [
        ("acks", "all", "all"),
        ("acks", 0, "0"),
        ("rate", "500", 500),
        ("rate", 10.0, 10),
        ("share", "0.25", 0.25),
        ("idempotence", "false", False),
        ("idempotence", "ON", True),
        ("idempotence", False, False),
    ],
)
def test_words_become_values(name: str, given: object, value: object) -> None:
    found = resolve(SETTINGS, {name: given})[name]
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("name", "given", "told"),
    [
        ("acks", "2", said("experiment", "allowed.choice", options="0, 1, all")),
        *[("rate", given, RATE) for given in ("501", "9", "10.5", "fast", "nan")],
        ("share", "1.1", said("experiment", "allowed.number", low=0, high=1, unit="").strip()),
        ("idempotence", "perhaps", said("experiment", "allowed.switch")),
        ("linger", "5", "acks, rate, share, idempotence"),
    ],
)
def test_a_refusal_names_what_is_allowed(name: str, given: str, told: str) -> None:
    with pytest.raises(BadInput) as refused:
        resolve(SETTINGS, {name: given})
    assert told in str(refused.value)
    assert name in str(refused.value)


def test_a_value_that_had_another_id_is_taken_and_only_the_new_one_is_named() -> None:
    copies = Choice("copies", ("1", "3"), "3", formerly={"one copy": "1"})
    assert resolve([copies], {"copies": "one copy"}) == {"copies": "1"}
    assert copies.allowed == said("experiment", "allowed.choice", options="1, 3")
    noted = {"copies": "one copy", "rate": 20, "gone": "one copy"}
    assert by_todays_ids([copies, SETTINGS[1]], noted) == {**noted, "copies": "1"}


def test_a_description_is_plain_json() -> None:
    assert describe(SETTINGS[1], "how fast") == {
        "name": "rate",
        "default": 100,
        "allowed": RATE,
        "help": "how fast",
        "unit": "records/s",
    }
