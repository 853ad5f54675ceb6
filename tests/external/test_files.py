"""client.properties as people have it: understood, or refused; never silently unencrypted."""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import confluent_kafka
import pytest

from labs.base.errors import BadInput
from labs.kafka.clientfile import keys, read_settings
from labs.kafka.installation import ensure_installation, jvm_environment
from labs.kafka.security import Security, entrance, read
from tests.external.others import PASSWORD

pytestmark = pytest.mark.external

MODULE = "org.apache.kafka.common.security.plain.PlainLoginModule"
JAAS = f'{MODULE} required username="ann" password="pa=ss w0rd";'
LETTER = f"security.protocol=SASL_SSL\nsasl.mechanism=PLAIN\nsasl.jaas.config={JAAS}\n"
ANN = Security("SASL_SSL", "PLAIN", "ann", "pa=ss w0rd")


def written(folder: Path, content: str | bytes) -> Path:
    path = folder / "client.properties"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    path.chmod(0o600)
    return path


def spring(line: str) -> str:
    return f"spring.kafka.properties.{line}\n"


CONTINUED = f"""security.protocol = SASL_SSL
sasl.mechanism:PLAIN
sasl.jaas.config={MODULE} required \\
    username="ann" \\
    password="pa=ss w0rd";
"""
APPLICATION = (
    "server.port=8443\nserver.ssl.enabled=true\nspring.datasource.password=x\n"
    "spring.kafka.bootstrap-servers=b:9092\nspring.kafka.consumer.group-id=flights\n"
    "spring.kafka.producer.properties.sasl.mechanism=PLAIN\n"
    "spring.kafka.security.protocol=SASL_SSL\n" + spring(f"sasl.jaas.config={JAAS}")
)
INI = """; from the console
[default]
bootstrap.servers=b:9092
security.protocol=SASL_SSL
sasl.mechanisms=PLAIN
sasl.username=ann
sasl.password=pa=ss w0rd

[consumer]
group.id=flights
"""
EXPORTED = "".join(f"  export {line}\n" for line in LETTER.splitlines())
ENV = """export KAFKA_BOOTSTRAP_SERVERS=b:9092
export KAFKA_SECURITY_PROTOCOL="SASL_SSL"
KAFKA_SASL_MECHANISM=PLAIN
KAFKA_SASL_USERNAME='ann'
KAFKA_SASL_PASSWORD="pa=ss w0rd"
"""
CONNECT = "".join(
    f"{who}.{line}\n" for who in ("producer", "consumer") for line in LETTER.split("\n")[:3]
)

UNDERSTOOD: dict[str, str | bytes] = {
    "as it is": LETTER,
    "a byte order mark": LETTER.encode("utf-8-sig"),
    "UTF-16 of Windows": LETTER.encode("utf-16"),
    "UTF-16, big end first": b"\xfe\xff" + LETTER.encode("utf-16-be"),
    "CRLF": LETTER.replace("\n", "\r\n"),
    "continued lines": CONTINUED,
    "continued lines and CRLF": CONTINUED.replace("\n", "\r\n"),
    "Spring's application.properties": APPLICATION,
    "librdkafka's config.ini": INI,
    "an .env": ENV,
    "an .env with Java's names": EXPORTED,
    "a Connect worker": CONNECT,
    "kafka-python's names": "security_protocol=SASL_SSL\nsasl_mechanism=PLAIN\n"
    "sasl_plain_username=ann\nsasl_plain_password=pa=ss w0rd\n",
    "other case": "Security.Protocol=sasl_ssl\nSASL.MECHANISM=plain\nsasl.jaas.Config=" + JAAS,
    "quotes and blanks": 'security.protocol="SASL_SSL"  \nsasl.mechanism= PLAIN \t\n'
    "sasl.username = 'ann'\nsasl.password=\"pa=ss w0rd\"\n",
    "a login without its end": LETTER.replace(";\n", "\n") + "our.own.number=7\n",
    "flat YAML": "security.protocol: SASL_SSL\nsasl.mechanism: 'PLAIN'\nsasl.username: ann\n"
    "sasl.password: pa=ss w0rd\n",
    "the protocol before the address": "bootstrap.servers=SASL_SSL://b:9092\nsasl.mechanism=PLAIN\n"
    f"sasl.jaas.config={JAAS}\n",
    "settings that do no harm": LETTER + "acks=all\nclient.dns.lookup=use_all_dns_ips\n"
    "session.timeout.ms=45000\nschema.registry.url=https://r\nbasic.auth.user.info=k:s\n"
    "ssl.enabled.protocols=TLSv1.3,TLSv1.2\nssl.protocol=TLSv1.3\nsasl.login.refresh.buffer.seconds=9\n"
    "our.own.number=7\n",
}


@pytest.mark.parametrize("case", UNDERSTOOD)
def test_a_letter_in_any_dress_is_understood(tmp_path: Path, case: str) -> None:
    assert read(written(tmp_path, UNDERSTOOD[case])) == ANN


PLAINTEXT = "security.protocol=PLAINTEXT\n"
SERVERS = "bootstrap.servers=b:9092\n"
REFUSED: dict[str, tuple[str | bytes, str]] = {
    "nothing": ("", "says neither security.protocol nor bootstrap.servers"),
    "only a mark": (b"\xef\xbb\xbf", "says neither security.protocol nor bootstrap.servers"),
    "no setting for connecting": ("acks=all\n", "says neither security.protocol nor"),
    "prose": ("Hello Ann, this is it\n", "says neither security.protocol nor bootstrap.servers"),
    "a broker's file": (
        "node.id=1\nlisteners=PLAINTEXT://:9092\nsocket.send.buffer.bytes=1\n",
        "says neither security.protocol nor bootstrap.servers",
    ),
    "UTF-16 without a mark": (LETTER.encode("utf-16-le"), "is no text in UTF-8; save it as UTF-8"),
    "YAML": ("spring:\n  kafka:\n    security.protocol: SASL_SSL\n", "is YAML, and no list"),
    "JSON": ('{"security.protocol": "SASL_SSL"}', "is JSON or a program, and no list"),
    "Python": ("config = {\n  'security.protocol': 'SASL_SSL',\n}\n", "is JSON or a program"),
    "XML": ("<configuration/>", "is XML, and no list"),
    "a JKS store": (b"\xfe\xed\xfe\xed\0\0\0\2", "is a key store, and no list"),
    "a PKCS12 store": (b"\x30\x82\x0a\x10\x02\x01\x03", "is a key store, and no list"),
    "a certificate": ("-----BEGIN CERTIFICATE-----\nMII\n", "is a certificate or a key (PEM)"),
    "other bytes": (bytes(range(256)), "is no text in UTF-8"),
    "a name that can't be seen": ("security.protocol\u200b=SASL_SSL\n", "line 1 of"),
    "a Windows path": (LETTER + "ssl.ca.location=C:\\users\\ca.pem\n", "write each \\ twice"),
    "a comment behind a value": ("security.protocol=SASL_SSL # cloud\n", "it can be PLAINTEXT"),
    # Java's clients would connect without encryption:
    "a password without a protocol": (f"sasl.jaas.config={JAAS}\n", "but no security.protocol"),
    "an authority without a protocol": (
        SERVERS + "ssl.ca.location=a.pem\n",
        "no security.protocol",
    ),
    "TLS without a protocol": (SERVERS + "ssl.protocol=TLSv1.3\n", "no security.protocol"),
    "a misspelt protocol": (SERVERS + "security.protocl=SASL_SSL\n", "write security.protocol, if"),
    "misspelt and a wrong value": (
        SERVERS + "securty.protcol=yes\n",
        "write security.protocol, if",
    ),
    "a name that nobody knows": (SERVERS + "how=SASL_SSL\n", "says how, which no client of Kafka"),
    "a password under any name": (SERVERS + "my.password=x\n", "says my.password, which no client"),
    "Spring's cloud streams": (
        SERVERS + "spring.cloud.stream.kafka.binder.configuration.security.protocol=SSL\n",
        "which no client of Kafka knows",
    ),
    "a line that was not continued": (
        f'security.protocol=SASL_SSL\nsasl.jaas.config={MODULE} required\n username="ann"\n',
        "line 3 of {path} seems to go on with sasl.jaas.config, which has ended; end each line",
    ),
    "the first line was not continued": (
        "sasl.jaas.config=\n" + JAAS + "\n",
        "line 2 of {path} seems to go on with sasl.jaas.config",
    ),
    "the second line was not continued": (
        CONTINUED.replace('"ann" \\', '"ann"'),
        "line 5 of {path} seems to go on with sasl.jaas.config",
    ),
    "an .env's value of several lines": (
        f'KAFKA_SASL_JAAS_CONFIG=\'{MODULE}\n  required username="ann" password="pa=ss";\'\n',
        "line 2 of {path} seems to go on with sasl.jaas.config",
    ),
    "a blank behind the sign of continuation": (
        CONTINUED.replace("required \\", "required \\ "),
        "line 3 of {path} has a blank behind the \\ at its end",
    ),
    "a tab behind the second one": (
        CONTINUED.replace('"ann" \\', '"ann" \\\t'),
        "line 4 of {path} has a blank behind the \\ at its end",
    ),
    "PLAINTEXT and a password": (PLAINTEXT + f"sasl.jaas.config={JAAS}\n", "means nothing with"),
    "PLAINTEXT and an authority": (PLAINTEXT + "ssl.ca.location=a.pem\n", "means nothing with"),
    "PLAINTEXT and TLS": (PLAINTEXT + "ssl.protocol=TLS\n", "means nothing with"),
    "PLAINTEXT and no host check": (
        PLAINTEXT + "ssl.endpoint.identification.algorithm=\n",
        "means nothing with",
    ),
    "SASL_PLAINTEXT and an authority": (
        LETTER.replace("SASL_SSL", "SASL_PLAINTEXT") + "ssl.ca.location=a.pem\n",
        "ssl.truststore.location, which means nothing with security.protocol=SASL_PLAINTEXT",
    ),
    "SSL and a password": (
        f"security.protocol=SSL\nsasl.jaas.config={JAAS}\n",
        "means nothing with",
    ),
    "two protocols": ("security.protocol=SSL\n" + PLAINTEXT, "says security.protocol twice"),
    "two, by prefix": (PLAINTEXT + "producer.security.protocol=SSL\n", "security.protocol twice"),
    "file and address differ": (
        PLAINTEXT + "bootstrap.servers=SASL_SSL://b:9092\n",
        "bootstrap.servers says SASL_SSL, and",
    ),
    # Encrypted, and yet weaker than it looks:
    "no check of certificates": (
        LETTER + "enable.ssl.certificate.verification=false\n",
        "then anybody could pose as that Kafka",
    ),
    "a check that nobody knows": (
        LETTER + "ssl.endpoint.identification.algorithm=http\n",
        "it can be https, or empty",
    ),
    "TLS 1.3 alone": (LETTER + "ssl.enabled.protocols=TLSv1.3\n", "TLS 1.2 can't be left out"),
    "old TLS alone": (LETTER + "ssl.enabled.protocols=TLSv1,TLSv1.1\n", "TLS 1.2 can't be left"),
    "ciphers": (LETTER + "ssl.cipher.suites=X\n", "it restricts what TLS may use"),
    "revoked certificates": (LETTER + "ssl.crl.location=x.pem\n", "it restricts what TLS may use"),
    "a class": (LETTER + "sasl.login.callback.handler.class=X\n", "only the program"),
    "a certificate in the line": (
        LETTER + "ssl.truststore.certificates=-----BEGIN CERTIFICATE-----\\\nMII\n",
        "must be a file here (PEM)",
    ),
    "another mechanism": (
        "security.protocol=SASL_SSL\nsasl.mechanism=OAUTHBEARER\n",
        "it can be PL",
    ),
    "no mechanism": (LETTER.replace("sasl.mechanism=PLAIN\n", ""), "says no sasl.mechanism"),
    "a placeholder": (
        LETTER.replace("ann", "${KAFKA_USER}"),
        "says for the user name is a placeholder",
    ),
    "another placeholder": (
        "security.protocol=SASL_SSL\nsasl.mechanism=PLAIN\nsasl.username={{ CLUSTER_API_KEY }}\n",
        "says for sasl.username is a placeholder",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_the_rest_is_refused_in_a_sentence(tmp_path: Path, case: str) -> None:
    content, said = REFUSED[case]
    with pytest.raises(BadInput) as refused:
        read(written(tmp_path, content))
    assert said.replace("{path}", str(tmp_path / "client.properties")) in str(refused.value)
    assert "pa=ss" not in str(refused.value)
    assert "\n" not in str(refused.value)


#: Beside an address: lines that we do not follow, and that were meant to make it safe.
HIDDEN = [
    "set KAFKA_SECURITY_PROTOCOL=SASL_SSL",
    "setx KAFKA_SECURITY_PROTOCOL SASL_SSL",
    "setenv KAFKA_SECURITY_PROTOCOL SASL_SSL",
    "ENV KAFKA_SECURITY_PROTOCOL=SASL_SSL",
    "declare -x KAFKA_SECURITY_PROTOCOL=SASL_SSL",
    "export CLIENT=a KAFKA_SECURITY_PROTOCOL=SASL_SSL",
    "Environment=KAFKA_SECURITY_PROTOCOL=SASL_SSL",
    "properties: {security.protocol: SASL_SSL}",
    'config = { "security.protocol" = "SASL_SSL" }',
    "[ssl]\nenabled=true",
    "[kafka.tls]\nca=/etc/ca",
    "ca=/etc/ca",
    "[consumer]\ngroup.id=x\n\n[useSSL]\nenabled=true",
    "JAVA_OPTS=-Dsecurity.protocol=SASL_SSL",
    "KAFKA_OPTS=-Djava.security.auth.login.config=/etc/kafka/ann.conf",
    "JAVA_OPTS=-Djavax.net.ssl.trustStore=/etc/a",
    "JAVA_OPTS=-Dkafka.user=ann -Dkafka.password=pa=ss",
    "group.id=x\\\nsecurity.protocol=SASL_SSL",
    "group.id=x\\\nssl.truststore.location=/etc/a",
    "server.port=1\\\nssl.truststore.location=/etc/a",
    "server.port=1\\\nspring.kafka.ssl.bundle=a",
    "client.id=a;security.protocol=SASL_SSL",
    "client.id=a # security.protocol=SASL_SSL",
    "client.id=a;\\u0073ecurity.protocol=S\\u0041SL_SSL",
    "kafka.url=kafka://a?security.protocol=SASL_SSL",
    "kafka.url=kafka+ssl://a:9096",
    "kafka.url=kafka://ann:pa=ss@a:9092",
    "schema.registry.url=https://r\\\nsasl.mechanism=PLAIN",
    'spring.application.json={"spring.kafka.properties": {"enableTls": true}}',
    "connection=mtls",
    "keytab=/etc/a",
    "x=/etc/pki/ca",
    "api-key=pa=ss",
    "aws.msk.iam=true",
    "connection=usessl",
]


@pytest.mark.parametrize("line", HIDDEN)
@pytest.mark.parametrize("said", ["", PLAINTEXT])
def test_no_line_passed_over_leaves_us_unencrypted(tmp_path: Path, line: str, said: str) -> None:
    with pytest.raises(BadInput) as refused:
        read(written(tmp_path, f"{said}{SERVERS}{line}\n"))
    assert "pa=ss" not in str(refused.value)
    assert "\n" not in str(refused.value)
    with pytest.raises(BadInput):
        read(written(tmp_path, f"{line}\n{SERVERS}{said}"))


def test_what_hints_at_security_is_named_by_its_line(tmp_path: Path) -> None:
    hidden = SERVERS + "acks=all\nJAVA_OPTS=-Dsecurity.protocol=SASL_SSL\n"
    with pytest.raises(BadInput, match=r"line 3 of .* hints at TLS .*, but no line says security."):
        read(written(tmp_path, hidden))
    for vague in ("[ security ]\nenabled=true", "mode=secured"):
        with pytest.raises(BadInput, match=r"line 2 of .* hints at TLS .*, but no line says secur"):
            read(written(tmp_path, f"{SERVERS}{vague}\n"))
        assert read(written(tmp_path, f"{PLAINTEXT}{SERVERS}{vague}\n")) == Security()
    with pytest.raises(
        BadInput, match=r"line 4 of .*, but by security\.protocol=PLAINTEXT nothing"
    ):
        read(written(tmp_path, PLAINTEXT + hidden))
    with_password = LETTER.replace("SASL_SSL", "SASL_PLAINTEXT")
    with pytest.raises(BadInput, match=r"line 4 of .*, but by security\.protocol=SASL_PLAINTEXT"):
        read(written(tmp_path, with_password + "JAVA_OPTS=-Dssl.protocol=TLSv1.3\n"))
    assert read(written(tmp_path, LETTER + "[ssl]\nJAVA_OPTS=-Dssl.protocol=TLSv1.3\n")) == ANN
    assert read(written(tmp_path, with_password + "[sasl]\nx=scram\n")).asks_who


#: Lines that ask for nothing: beside an address alone, they are ignored.
HARMLESS = [
    "# security.protocol=SASL_SSL, sasl.jaas.config=… \\",
    "! ssl.truststore.location=/etc/a",
    "; sasl.password=x",
    "[kafka]",
    "[consumer]\ngroup.id=user-logins",
    "group.id=password-reset\nclient.id=authors",
    "topic=lossless-crossland",
    "KAFKA_OPTS=-Xmx1g",
    "server.ssl.enabled=true\nserver.ssl.key-store=classpath:keystore.p12",
    "spring.datasource.url=jdbc:postgresql://db/a?user=a&password=b&sslmode=require",
    "schema.registry.url=https://r\nschema.registry.ssl.truststore.location=/etc/r.jks",
    "value.serializer=io.confluent.kafka.serializers.KafkaAvroSerializer",
    "config.providers=file",
    "security.protocol=PLAINTEXT\n[security]\nJAVA_OPTS=-Dsecurity.protocol=PLAINTEXT",
]


@pytest.mark.parametrize("line", HARMLESS)
def test_what_asks_for_nothing_is_ignored(tmp_path: Path, line: str) -> None:
    assert read(written(tmp_path, f"{SERVERS}{line}\n")) == Security()


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "long").write_text("# x\n" * 400_000)
    for name, said in {"": "Is a directory", "pipe": "is no file", "long": "is too long"}.items():
        with pytest.raises(BadInput, match=said):
            read(tmp_path / name)


def test_nothing_asks_for_security_and_that_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path, "bootstrap.servers=broker.example:9092\nacks=all\n")
    monkeypatch.delenv("LABS_BOOTSTRAP", raising=False)
    monkeypatch.setenv("LABS_CLIENT_PROPERTIES", str(path))
    assert entrance().security == Security()
    assert entrance().remarks == [
        "nothing is encrypted on the way (security.protocol=PLAINTEXT)",
        "not needed here, so ignored: acks",
    ]
    path.write_text(LETTER + "ssl.endpoint.identification.algorithm=\n")
    assert not entrance().security.check_hostname
    (told,) = entrance().remarks
    assert told.startswith("the broker's certificate may name any host (ssl.endpoint.")
    path.write_text(LETTER)
    assert entrance().remarks == []
    assert "w0rd" not in repr(read_settings(path))
    path.write_text(LETTER.replace("SASL_SSL", "SASL_PLAINTEXT") + "bootstrap.servers=b:1")
    assert entrance().remarks == [
        "not even the password is encrypted on the way (security.protocol=SASL_PLAINTEXT)"
    ]
    monkeypatch.setenv("LABS_CLIENT_PROPERTIES", "")
    for host, many in {"localhost:1,[::1]:2,127.0.0.1:3": 0, "localhost:1,b:2": 1}.items():
        monkeypatch.setenv("LABS_BOOTSTRAP", host)
        assert len(entrance().remarks) == many


def test_letters_beyond_ascii(tmp_path: Path) -> None:
    text = f"{LETTER}# Schlüssel\n".replace("w0rd", "wörd")
    for codec in ("utf-8", "utf-8-sig", "utf-16", "latin-1"):
        assert read(written(tmp_path, text.encode(codec))).password == "pa=ss wörd"


# -- the table against the clients' own lists ------------------------------------------------------


def java_settings() -> set[str]:
    """As Kafka's own documentation is made from its jars."""
    installation, found = ensure_installation(), set[str]()
    for name in ("producer.Producer", "consumer.Consumer", "admin.AdminClient"):
        page = subprocess.run(
            [
                str(installation.java.path),
                "-cp",
                installation.class_path,
                f"org.apache.kafka.clients.{name}Config",
            ],
            env=jvm_environment(),
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        found |= set(re.findall(r'<a id="([\w.]+)"', page))
    return {name for name in found if "configs_" not in name}


def librdkafka_settings(folder: Path) -> set[str]:
    """As its CONFIGURATION.md is made: it prints the table itself."""
    package = Path(confluent_kafka.__file__).parent
    files = [
        *package.parent.glob("confluent_kafka.libs/librdkafka*"),
        *package.rglob("librdkafka*"),
    ]
    library, libc = ctypes.CDLL(str(files[0])), ctypes.CDLL(None)
    libc.fopen.restype = ctypes.c_void_p
    page = ctypes.c_void_p(libc.fopen(str(folder / "page").encode(), b"w"))
    library.rd_kafka_conf_properties_show(page)
    libc.fclose(page)
    return set(re.findall(r"(?m)^([a-z_][\w.]*) +\|", (folder / "page").read_text()))


def test_every_setting_of_every_client_is_in_the_table(tmp_path: Path) -> None:
    java, native = java_settings(), librdkafka_settings(tmp_path)
    assert len(java) > 120
    assert len(native) > 180
    table = keys()
    names = {re.sub("[-_]", ".", name).lower() for name in java | native}
    assert not {name for name in names if name not in table}
    groups = (set(table.understood), set(table.aliases), set(table.ignored), set(table.refused))
    assert sum(map(len, groups)) == len(set().union(*groups)), "nothing stands in two groups"
    assert set(table.aliases.values()) <= table.understood
    about = {n for n in names if re.match(r"(enable\.)?(sasl|ssl|security)\.", n)}
    how = next(why for name, why in table.ignored.items() if name == "acks")
    assert not {n for n in about if table.why_ignored(n) == how}, "security is no matter of taste"


# -- a disk that knows no modes --------------------------------------------------------------------


#: How to make a disk of Windows and to mount it; its files' modes are the mount's, as on /mnt/c.
WINDOWS_DISKS = (
    (["mkfs.vfat"], ["mount", "-o", "loop"]),
    (["mkntfs", "-F", "-Q"], ["ntfs-3g"]),
)


@pytest.fixture
def windows_disk(tmp_path: Path) -> Iterator[Path]:
    """Such a disk, where this machine can mount one."""
    image, place = tmp_path / "disk", tmp_path / "disk of Ann"
    place.mkdir()
    for make, mount in WINDOWS_DISKS:
        image.write_bytes(bytes(8 << 20))
        if does([*make, image]) and does([*mount, image, place]):
            break
    else:
        pytest.skip("this machine can mount no disk of Windows")
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


def does(command: list[object]) -> bool:
    if shutil.which(str(command[0])) is None:
        return False
    done = subprocess.run(list(map(str, command)), capture_output=True, check=False)
    return done.returncode == 0


def way_out(path: Path) -> str:
    with pytest.raises(BadInput, match="others on this machine can read it") as refused:
        read(path)
    assert PASSWORD not in str(refused.value)
    return str(refused.value)


def follow(sentence: str, monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    """Do what it says, word by word."""
    command = sentence.split("`")[1]
    subprocess.run(command, shell=True, check=True, env={**os.environ, "HOME": str(home)})


def test_the_way_out_works_on_a_windows_disk(
    windows_disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(windows_disk, LETTER)
    assert path.stat().st_mode & stat.S_IROTH, "chmod 600 did nothing"
    said = way_out(path)
    assert "chmod can't change that there" in said
    follow(said, monkeypatch, tmp_path)
    assert read(tmp_path / "labs-client.properties") == ANN


def test_the_way_out_where_a_mode_can_not_be_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same without a mount: everything made in this folder can be read by everybody."""
    path = written(tmp_path, LETTER)
    path.chmod(0o777)
    real = tempfile.NamedTemporaryFile

    @contextlib.contextmanager
    def open_to_all(*args: object, **kwargs: object) -> Iterator[object]:
        with real(*args, **kwargs) as file:  # type: ignore[call-overload]
            os.fchmod(file.fileno(), 0o777)
            yield file

    monkeypatch.setattr("tempfile.NamedTemporaryFile", open_to_all)
    said = way_out(path)
    (tmp_path / "home").mkdir()
    follow(said, monkeypatch, tmp_path / "home")
    assert read(tmp_path / "home" / "labs-client.properties") == ANN


def test_the_way_out_elsewhere_is_chmod(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "Ann's files"
    folder.mkdir()
    path = written(folder, LETTER)
    path.chmod(0o644)
    said = way_out(path)
    assert "chmod 600" in said
    follow(said, monkeypatch, tmp_path)
    assert read(path) == ANN
    assert [p.name for p in folder.iterdir()] == [path.name], "nothing was left there"
