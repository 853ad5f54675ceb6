"""What a client.properties may say; no cluster is needed for that."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from labs.base.errors import BadInput
from labs.kafka.external import ExternalCluster
from labs.kafka.security import Security, read
from tests.external.conftest import Enter
from tests.external.others import KEY_PASSWORD, PASSWORD, Papers, jaas
from tests.helpers import Labs

pytestmark = pytest.mark.external

JAVA = jaas("ann", PASSWORD, "scram.Scram", "SCRAM-SHA-512")


@pytest.fixture(scope="package")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Papers:
    made = Papers(tmp_path_factory.mktemp("papers"))
    made.make()
    return made


def written(folder: Path, **entries: str) -> Path:
    path = folder / "client.properties"
    lines = (f"{k.replace('_', '.')}={v}\n".replace("\\", "\\\\") for k, v in entries.items())
    path.write_text("# from the console\n" + "".join(lines), "latin-1")
    path.chmod(0o600)
    return path


def test_java_and_librdkafka_say_the_same_in_other_words(tmp_path: Path, papers: Papers) -> None:
    authority = str(papers.authority)
    java = read(
        written(
            tmp_path,
            security_protocol="SASL_SSL",
            ssl_truststore_type="PEM",
            ssl_truststore_location=authority,
            client_id="passed-over",
            **JAVA,
        )
    )
    native = read(
        written(
            tmp_path,
            security_protocol="sasl_ssl",
            ssl_ca_location=authority,
            sasl_mechanisms="SCRAM-SHA-512",
            sasl_username="ann",
            sasl_password=PASSWORD,
        )
    )
    assert java == native
    assert java.password == PASSWORD
    assert java.librdkafka()["sasl.password"] == PASSWORD
    assert java.kafka_python()["sasl_plain_password"] == PASSWORD


def test_keys_in_one_file_as_java_has_them_or_in_two(tmp_path: Path, papers: Papers) -> None:
    pem = (papers.folder / "ann.pem").read_text()
    key, begin, chain = pem.partition("-----BEGIN CERTIFICATE")
    (tmp_path / "key.pem").write_text(key)
    (tmp_path / "chain.pem").write_text(begin + chain)
    one = read(
        written(
            tmp_path,
            security_protocol="SSL",
            ssl_keystore_type="PEM",
            ssl_keystore_location=str(papers.folder / "ann.pem"),
            ssl_key_password=KEY_PASSWORD,
        )
    )
    assert one.context is not None
    two = read(
        written(
            tmp_path,
            security_protocol="SSL",
            ssl_certificate_location="chain.pem",  # beside the properties file
            ssl_key_location="key.pem",
            ssl_key_password=KEY_PASSWORD,
        )
    )
    assert two.context is not None


def test_nothing_shows_a_password() -> None:
    security = Security("SASL_SSL", "PLAIN", "ann", PASSWORD, key_password=KEY_PASSWORD)
    for text in (repr(security), str(security), f"{security}"):
        assert PASSWORD not in text
        assert KEY_PASSWORD not in text


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ({"security_protocol": "SASL"}, "says security.protocol=SASL; it can be PLAINTEXT"),
        (
            {"security_protocol": "SASL_SSL", "sasl_mechanism": "GSSAPI"},
            "says sasl.mechanism=GSSAPI; it can be PLAIN, SCRAM",
        ),
        ({"security_protocol": "SASL_SSL", "sasl_mechanism": "PLAIN"}, "no user name and password"),
        (
            {"security_protocol": "SASL_SSL", "sasl_username": "ann", "sasl_password": PASSWORD},
            "says no sasl.mechanism",
        ),
        (
            {"sasl_login_callback_handler_class": "X"},
            "which can't be followed here; only the program",
        ),
        (
            {"security_protocol": "SSL", "ssl_ca_location": "nowhere.pem"},
            "there is no such file; a path in it starts at its own folder",
        ),
        (
            {"security_protocol": "SSL", "ssl_truststore_location": "store.jks"},
            "is no PEM file; `openssl pkcs12",
        ),
        ({"security_protocol": "SSL", "ssl_ca_location": "broken.pem"}, "holds no certificate"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_can_not_be_is_a_sentence(tmp_path: Path, entries: dict[str, str], said: str) -> None:
    (tmp_path / "store.jks").write_bytes(b"\xfe\xed\xfe\xed\0\0\0\2")
    (tmp_path / "broken.pem").write_text("-----BEGIN CERTIFICATE-----\nxx\n")
    with pytest.raises(BadInput) as refused:
        read(written(tmp_path, **entries))
    assert said in str(refused.value)
    assert PASSWORD not in str(refused.value)


@pytest.mark.parametrize("password", ["", "wrong"])
def test_a_locked_key_is_a_sentence_and_no_prompt(
    tmp_path: Path, papers: Papers, password: str
) -> None:
    path = written(
        tmp_path,
        security_protocol="SSL",
        ssl_keystore_location=str(papers.folder / "ann.pem"),
        ssl_key_password=password,
    )
    with pytest.raises(BadInput, match=r"whether ssl\.key\.password opens it"):
        read(path)


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604])
def test_a_password_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    path = written(tmp_path, security_protocol="SASL_SSL", **JAVA)
    path.chmod(mode)
    with pytest.raises(BadInput, match="others on this machine can read it; `chmod 600"):
        read(path)
    path.chmod(0o400)
    read(path)


def test_what_holds_no_password_may_be_read_by_all(tmp_path: Path) -> None:
    path = written(tmp_path, security_protocol="SSL")
    path.chmod(0o644)
    assert read(path).encrypted


def test_a_file_that_is_not_there_is_a_sentence(tmp_path: Path, enter: Enter) -> None:
    with pytest.raises(BadInput, match=r"nothing\.properties can't be read \(No such file"):
        enter(
            {
                "LABS_BOOTSTRAP": "127.0.0.1:1",
                "LABS_CLIENT_PROPERTIES": str(tmp_path / "nothing.properties"),
            }
        )


def test_the_addresses_may_stand_in_the_file(tmp_path: Path, enter: Enter) -> None:
    path = written(tmp_path, bootstrap_servers="one:9092, two:9092")
    cluster = enter({"LABS_CLUSTER": "external", "LABS_CLIENT_PROPERTIES": str(path)})
    assert cluster.bootstrap == ["one:9092", "two:9092"]


def test_no_address_is_a_sentence(enter: Enter) -> None:
    with pytest.raises(BadInput, match="nobody said where the external Kafka is; set LABS_BOOT"):
        enter({"LABS_CLUSTER": "external"})


@pytest.mark.parametrize("prefix", ["ann", "-", "a b-", "__ann-", "ann/-", "ä-"])
def test_a_prefix_must_be_legal_and_end(enter: Enter, prefix: str) -> None:
    with pytest.raises(BadInput, match="which is no prefix"):
        enter({"LABS_BOOTSTRAP": "127.0.0.1:1", "LABS_PREFIX": prefix})


def test_no_users_prefix_begins_anothers(enter: Enter, monkeypatch: pytest.MonkeyPatch) -> None:
    def prefix_of(user: str) -> str:
        monkeypatch.setattr("getpass.getuser", lambda: user)
        return enter({"LABS_BOOTSTRAP": "127.0.0.1:1"}).prefix

    users = ["ann", "ann-marie", "ann_marie", "ann.marie", "ann__marie", "_ann", "ann_", "Ann"]
    users += ["김철수", "이영희", "user", "-", "a b", "DOMAIN\\ann", "ann\udcff"]
    users += ["x" * length for length in (40, 41, 42)]
    prefixes = {user: prefix_of(user) for user in users}
    assert prefixes["ann"] == "labs-ann-"
    assert prefixes["ann_marie"] == "labs-ann_marie-"
    assert prefixes["ann.marie"] == "labs-ann_marie__eb2cdfc1-", "the same on every machine"
    for user, prefix in prefixes.items():
        assert re.fullmatch(r"[A-Za-z0-9_-]{3,50}-", prefix)
        assert not [
            other for other in users if other != user and prefixes[other].startswith(prefix)
        ]
        assert enter({"LABS_BOOTSTRAP": "127.0.0.1:1", "LABS_PREFIX": prefix}).prefix == prefix
        monkeypatch.delenv("LABS_PREFIX")


@pytest.mark.parametrize("prefix", ["labs-", "labs-ann-b-", "labs-ann.", "labs-ann_", "labs--"])
def test_a_prefix_of_ones_own_meets_no_users(enter: Enter, prefix: str) -> None:
    """`labs reset` by any of these deletes what a user's own prefix begins, or the other way."""
    with pytest.raises(BadInput, match="would delete others' topics"):
        enter({"LABS_BOOTSTRAP": "127.0.0.1:1", "LABS_PREFIX": prefix})
    for fine in ("labs-ann-", "labs-a.n_n-", "team-7.ann-", "labs_ann-"):
        assert enter({"LABS_BOOTSTRAP": "127.0.0.1:1", "LABS_PREFIX": fine}).prefix == fine


def test_bootstrap_alone_means_an_external_cluster(
    enter: Enter, monkeypatch: pytest.MonkeyPatch
) -> None:
    from labs.kafka.backend import backend
    from labs.kafka.choose import chosen

    assert backend() == "local"
    enter({"LABS_BOOTSTRAP": "127.0.0.1:1"})
    assert isinstance(chosen(), ExternalCluster)
    monkeypatch.setenv("LABS_CLUSTER", "local")
    assert backend() == "local"


def test_a_properties_file_alone_means_an_external_cluster(
    tmp_path: Path, enter: Enter, monkeypatch: pytest.MonkeyPatch
) -> None:
    from labs.kafka.backend import backend

    path = written(tmp_path, bootstrap_servers="127.0.0.1:1")
    assert enter({"LABS_CLIENT_PROPERTIES": str(path)}).bootstrap == ["127.0.0.1:1"]
    assert backend() == "external"
    for chosen in ("local", "compose"):
        monkeypatch.setenv("LABS_CLUSTER", chosen)
        assert backend() == chosen


def test_no_command_passes_over_a_properties_file(tmp_path: Path) -> None:
    """`labs status` never tells of the local cluster to somebody who named another one."""
    without = tmp_path / "without"
    without.mkdir()
    path = written(tmp_path, bootstrap_servers="127.0.0.1:1")
    cases = {
        str(path): "nothing listens on 127.0.0.1:1",
        str(tmp_path / "nowhere"): "nowhere can't be read (No such file",
        str(written(without, security_protocol="SSL")): "nobody said where the external",
    }
    for file, said in cases.items():
        answer = Labs(tmp_path, LABS_CLIENT_PROPERTIES=file).run("status")
        assert answer.code in (2, 3)
        assert said in answer.sentence()
