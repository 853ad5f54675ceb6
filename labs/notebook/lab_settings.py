"""What the brokers are set to, beside Kafka's own defaults: a table for learners.

>>> from labs import lab_settings
>>> lab_settings(cluster)          # in a notebook: setting, here, Kafka's default, why
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

from kafka.admin import ConfigResource, ConfigResourceType

from labs.base.errors import LabsError
from labs.base.words import Words
from labs.kafka.admin import ask
from labs.kafka.cluster import Cluster
from labs.kafka.config import LAB_SETTINGS, LabSetting
from labs.kafka.installation import JVM_FLAGS

words = Words(__file__)


@dataclass(frozen=True)
class SettingsTable:
    """The lab's settings as a broker has them. `below` is said under the table."""

    rows: tuple[LabSetting, ...]
    below: str

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{name}</th>" for name in words.under("lab_settings.head").values())
        body = "".join(f"<tr>{_cells(row)}</tr>" for row in self.rows)
        return f"<table><tr>{head}</tr>{body}</table><p>{escape(self.below)}</p>"

    def __repr__(self) -> str:
        lines = [words("lab_settings.row", row=row) for row in self.rows]
        return "\n".join([*lines, self.below])


def lab_settings(cluster: Cluster) -> SettingsTable:
    """The settings in which the lab's brokers differ from Kafka's defaults, asked of a broker.

    On a Kafka that is not the lab's own these are that Kafka's values, without a reason; where it
    tells nobody its settings, the lab's own values stand there, and `below` says so.
    """
    status = cluster.status()
    ours = status.backend != "external"
    try:
        told = _told(status.bootstrap, status.serving[0].id)
    except (LabsError, IndexError):  # no right to ask, or no broker that runs
        return SettingsTable(LAB_SETTINGS, words("lab_settings.not_told"))
    rows = tuple(_row(setting, told, ours) for setting in LAB_SETTINGS if setting.name in told)
    # of the brokers' JVMs, or of whose values these are
    below = words(f"lab_settings.below.{status.backend}", flags=" ".join(JVM_FLAGS))
    return SettingsTable(rows, below)


def _told(bootstrap: list[str], broker: int) -> Mapping[str, Any]:
    """A broker's settings, each with where its value comes from (KIP-226, DescribeConfigs)."""
    asked = ConfigResource(ConfigResourceType.BROKER, str(broker))
    answer: dict[str, dict[str, Mapping[str, Any]]] = ask(
        bootstrap,
        lambda client: client.describe_configs([asked], config_filter="all", include_synonyms=True),
    )
    return answer["broker"][str(broker)]


def _row(setting: LabSetting, told: Mapping[str, Any], ours: bool) -> LabSetting:
    found = told[setting.name]
    defaults = [s["value"] for s in found.get("synonyms") or () if s["source"] == "DEFAULT_CONFIG"]
    default = defaults[0] if defaults else setting.default
    return LabSetting(setting.name, found["value"], default, ours)


def _cells(row: LabSetting) -> str:
    name = f"<code>{escape(row.name)}</code>"
    values = (escape(value or words("lab_settings.none")) for value in (row.value, row.default))
    return "".join(f"<td>{text}</td>" for text in (name, *values, escape(row.why)))
