"""What the labs say of their settings is what the live brokers, and Kafka's own code, say."""

from __future__ import annotations

from html import escape

import psutil
import pytest
from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType

from labs.base.errors import LabsError
from labs.kafka.config import LAB_SETTINGS, LabSetting
from labs.kafka.external import ExternalCluster
from labs.kafka.local import LocalCluster
from labs.kafka.security import BOOTSTRAP
from labs.notebook.lab_settings import lab_settings

Told = dict[str, dict[str, object]]


@pytest.fixture(scope="module")
def told(own_cluster: LocalCluster) -> Told:
    """Every setting of broker 1, with where its value comes from."""
    own_cluster.reset()
    client = KafkaAdminClient(bootstrap_servers=own_cluster.bootstrap)
    broker = ConfigResource(ConfigResourceType.BROKER, "1")
    settings: Told = client.describe_configs([broker], config_filter="all", include_synonyms=True)[
        "broker"
    ]["1"]
    client.close()
    return settings


@pytest.mark.parametrize("setting", LAB_SETTINGS, ids=lambda setting: setting.name)
def test_value_and_default(told: Told, setting: LabSetting) -> None:
    found = told[setting.name]
    assert found["value"] == setting.value
    synonyms = found["synonyms"]
    assert isinstance(synonyms, list)
    defaults = [s["value"] for s in synonyms if s["source"] == "DEFAULT_CONFIG"]
    assert defaults == [setting.default]
    assert setting.value != setting.default
    assert setting.why


def test_the_table_in_chapter_01_is_the_codes_and_the_brokers(shared_cluster: LocalCluster) -> None:
    table = lab_settings(shared_cluster)
    assert table.rows == LAB_SETTINGS
    page = table._repr_html_()
    for setting in LAB_SETTINGS:
        assert all(escape(text) in page for text in (setting.name, setting.value, setting.why))


def test_the_jvm_flags_below_it_are_those_of_the_brokers(shared_cluster: LocalCluster) -> None:
    below = lab_settings(shared_cluster).below
    broker = next(n for n in shared_cluster.status().nodes if n.id == 1)
    flags = [word for word in psutil.Process(broker.pid).cmdline() if word.startswith("-X")]
    assert " ".join(f for f in flags if not f.startswith("-XX:SharedArchiveFile=")) in below


def test_somebody_elses_kafka_shows_its_own_values_without_our_reasons(
    shared_cluster: LocalCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(BOOTSTRAP, ",".join(shared_cluster.bootstrap))
    table = lab_settings(ExternalCluster())
    assert [(row.name, row.value) for row in table.rows] == [
        (s.name, s.value) for s in LAB_SETTINGS
    ]
    assert {row.why for row in table.rows} == {""}
    assert "not the lab's own" in table.below


def test_where_no_broker_tells_its_settings_the_labs_own_are_shown(
    shared_cluster: LocalCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise LabsError("the cluster did not do what was asked (ClusterAuthorizationFailedError)")

    monkeypatch.setattr("labs.notebook.lab_settings.ask", refuse)
    table = lab_settings(shared_cluster)
    assert table.rows == LAB_SETTINGS
    assert table.below.startswith("No broker told us")
