"""The sheet of settings: `python -m tests.settings_sheet` writes `notebooks/settings.md`.

`course/settings.toml` says what each setting does and when to change it; of those that a further
chapter tells of, the `settings.toml` beside its text. The defaults are those of the clients that
are installed here, and of Kafka's jars: nobody writes them down by hand.
"""

from __future__ import annotations

import math
import tomllib
from pathlib import Path
from typing import Any

from kafka import KafkaConsumer, KafkaProducer

from labs.supervise.home import PROJECT
from tests import librdkafka
from tests.kafka_tools import java_defaults

FILE = Path("notebooks", "settings.md")
WORDS = "settings.toml"
WHOSE = ("producer", "consumer", "topic", "broker")

_PYTHON = {"producer": KafkaProducer, "consumer": KafkaConsumer}

#: What a value means: of every setting, and of one.
_VALUES = {"largest": "latest", "inf": "no limit", "": "–", "null": "–"}
_VALUES_OF = {"acks": {"-1": "all"}, "compression.type": {"": "none"}}

#: librdkafka lists these by other names.
_ALIASES = {
    "acks": "request.required.acks",
    "compression.type": "compression.codec",
    "delivery.timeout.ms": "message.timeout.ms",
    "linger.ms": "queue.buffering.max.ms",
    "retries": "message.send.max.retries",
}
_HEAD = """\
# Settings: what they do, their defaults, when to change them

This page is made by `make notebooks`. The defaults are those of the installed clients and of Apache
Kafka's jars. librdkafka is what confluent-kafka uses; kafka-python writes the names with `_`.
A `–` means that the client has no such setting, or no default for it.
"""


def page() -> str:
    """The whole page."""
    return _HEAD + "".join(map(_section, WHOSE))


def rows(whose: str, project: Path = PROJECT) -> dict[str, list[str]]:
    """What each setting does, and when to change it, by its name.

    Raises:
        LookupError: two files tell of one setting, or one of somebody else's settings.
    """
    found: dict[str, list[str]] = {}
    course = project / "course"
    for file in (course / WORDS, *sorted(course.glob(f"*/{WORDS}"))):
        told: dict[str, dict[str, list[str]]] = tomllib.loads(file.read_text("utf-8"))
        own = told.get(whose, {})
        if wrong := [*(found.keys() & own.keys()), *(told.keys() - set(WHOSE))]:
            raise LookupError(f"{file}: {', '.join(wrong)} has no place here")
        found |= own
    return found


def _section(whose: str) -> str:
    of_client = whose in _PYTHON
    columns = ["kafka-python", "librdkafka", "Java"] if of_client else ["default"]
    lines = [
        f"\n## {whose.capitalize()}\n",
        _row("setting", "what it does", *columns, "when to change it"),
        _row(*["---"] * (3 + len(columns))),
    ]
    for name, (what, when) in rows(whose).items():
        known = defaults(whose, name) if of_client else [_short(name, java_defaults(whose)[name])]
        lines.append(_row(f"`{name}`", what, *known, when))
    return "\n".join(lines) + "\n"


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def defaults(whose: str, name: str) -> list[str]:
    """A client's setting in kafka-python, librdkafka and Java, as the sheet shows it."""
    python = _PYTHON[whose].DEFAULT_CONFIG.get(name.replace(".", "_"))
    native = librdkafka.defaults().get(_ALIASES.get(name, name), "")
    java = java_defaults(whose).get(name, "")
    return [_short(name, value) for value in (_plain(python), native, java)]


def _plain(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, (list, tuple)):  # kafka-python's assignors are classes
        return ", ".join(getattr(item, "name", str(item)) for item in value)
    if isinstance(value, float) and not math.isinf(value):
        return f"{value:g}"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _short(name: str, value: str) -> str:
    """Without the unit in words, and without the packages of classes."""
    value = value.partition(" (")[0]
    meanings = {**_VALUES, **_VALUES_OF.get(name, {})}
    if value in meanings:
        return meanings[value]
    parts = (part.strip().removeprefix("class ") for part in value.split(","))
    return ", ".join(part.rpartition(".")[2] if "org." in part else part for part in parts)


def write() -> None:
    """Make the page anew."""
    (PROJECT / FILE).write_text(page(), "utf-8")


if __name__ == "__main__":
    write()
