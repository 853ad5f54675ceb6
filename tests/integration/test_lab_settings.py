"""What the labs say of their settings is what the live brokers, and Kafka's own code, say."""

from __future__ import annotations

import pytest
from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType

from labs.cluster.config import LAB_SETTINGS, LabSetting
from labs.cluster.local import LocalCluster

Told = dict[str, dict[str, object]]


@pytest.fixture(scope="module")
def told(shared_cluster: LocalCluster) -> Told:
    """Every setting of broker 1, with where its value comes from."""
    shared_cluster.start()
    client = KafkaAdminClient(bootstrap_servers=shared_cluster.bootstrap)
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
