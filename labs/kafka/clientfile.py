"""A file of client settings as people have it, read into Kafka's own names.

Clouds and colleagues hand out `client.properties` for the Java client (lines of `name=value`, with
the escapes and continued lines of `java.util.Properties`). The same lines come in other dress: from
Windows with a byte order mark or in UTF-16; from Spring with `spring.kafka.properties.` before each
name; from Connect with `producer.`; in an `.ini` with sections; in an `.env` with
`export KAFKA_SECURITY_PROTOCOL="…"`. All of these are understood. What is no such list of lines
(YAML, JSON, a certificate, a key store) is refused: whoever guesses at a file may miss the one line
that asks for encryption.

`clientkeys.toml` says of every setting that clients know whether it is understood, ignored or
refused. A name that it does not know is refused if it looks as if it were about security. What is
not followed is searched all the same, values and heads of sections: one that hints at TLS or at a
password (`JAVA_OPTS=-Dsecurity.protocol=SASL_SSL`, `[ssl]`) must not end in a connection without.
"""

from __future__ import annotations

import codecs
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from pathlib import Path

import javaproperties

from labs.base.errors import BadInput
from labs.base.words import Words

words = Words(__file__)

PROPERTIES = "LABS_CLIENT_PROPERTIES"

PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")

#: No list of settings is longer, bytes.
MAX_BYTES = 1 << 20

#: What frameworks write before the name of a client's setting.
PREFIXES = (
    "spring.kafka.",
    "kafka.",
    "connect.",
    "properties.",
    "producer.",
    "consumer.",
    "admin.",
)

#: Settings of a program, or of a schema registry, that are not about Kafka at all.
_OF_THE_PROGRAM = re.compile(r"(spring|server|management|logging|schema\.registry)\.(?!.*kafka)")

#: Unless their values are: a line that was continued by mistake, or JSON.
_ABOUT_KAFKA = re.compile(
    r"kafka|sasl|jaas|security.?protocol|(?<![a-z])(ssl|tls)[._][\w.-]*\s*[=:]"
)

#: What an unknown setting must not be about if it is to be ignored, by its name or its value.
_ABOUT_SECURITY = re.compile(
    r"secur|sasl|ssl|tls|jaas|scram|oauth|kerberos|mechanism|protocol|passw|pwd|secret|credential"
    r"|user|login|cert|trust|keystore|token|auth|crypt|(^|\.)ca(\.|file|path|$)"
)
_SECURITY_VALUE = re.compile(r"(?i)LoginModule|-----BEGIN|\.(pem|jks|p12|pfx|crt|key)\b")

#: What hints at TLS, or at a name and a password, in small letters and with `_` before a hump; with
#: the part of a protocol's name that it needs. (`lossless` and `crossland` hint at nothing.)
_HINTS = {
    "SSL": re.compile(
        r"(?<![a-z])m?(ssl|tls)|(ssl|tls)(?![a-z])|(trust|key).?store|encrypt|-----begin"
        r"|(?<![a-z])(pem|jks|p12|pfx|crt|cer|pki)(?![a-z])|\.key\b"
    ),
    "SASL_": re.compile(
        r"(?<![a-z])sasl|sasl(?![a-z])|jaas|scram|oauth|kerberos|krb5|keytab|gssapi"
        r"|principal|(api|access).?key|(?<![a-z])iam(?![a-z])|login.?(module|config)|(passw|pwd|secret|credential)[\w.-]*[\"']?\s*[=:]|://[^/\s@]*@"
    ),
}
_A_PROTOCOL = re.compile(r"security.?protocol|(?<![a-z])secured?(?![a-z])")

_HEAD = re.compile(r"^[ \t]*\[[^\]\n]*\][ \t]*$", re.MULTILINE)

#: A `\\` with blanks behind it: an escaped blank, where a continued line was meant.
_ALMOST_CONTINUED = re.compile(r"(?<!\\)(\\\\)*\\[ \t]+\n?\Z")

#: What stands in a `sasl.jaas.config`, and reads like a setting on a line of its own.
_PART_OF_JAAS = re.compile(r"\w+|.*loginmodule")

#: Bytes that begin Java's key stores (JKS, JCEKS) and PKCS #12 (an ASN.1 sequence).
_KEY_STORE = (b"\xfe\xed\xfe\xed", b"\xce\xce\xce\xce", b"\x30\x80", b"\x30\x82", b"\x30\x83")

#: The longer marks first: UTF-32's begins with UTF-16's.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

_NAME_IT = words("file.name_it", properties=PROPERTIES)
_LINES = words("file.lines")

#: Signs of a text that is no list of lines, what it is (an id), and what to do.
_SHAPES = (
    (re.compile(r"\s*-----BEGIN "), "pem", _NAME_IT),
    (
        re.compile(r"\s*\{|(?s:.*)^\s*[\"'][\w.]+[\"']\s*:", re.MULTILINE),
        "program",
        _LINES,
    ),
    (re.compile(r"\s*<"), "xml", _LINES),
    (re.compile(r"(?s:.*)^(\s*[\w.-]+:\s*$|---\s*$|\s*- )", re.MULTILINE), "yaml", _LINES),
)

_NAME = re.compile(r"[A-Za-z][\w.-]*")
_PLACEHOLDER = re.compile(r"\$\{[^}]*\}|<[^>]*>|\{\{.*\}\}|%[A-Z_]+%")


@dataclass(frozen=True)
class Settings:
    """What a file says: `values` of the settings understood here, by their Java names.

    `ignored`: the others, as they stand in the file. `hints`: numbers of the lines among them that
    hint at security, each with the part of a protocol's name that it needs (none: it is enough that
    some protocol is said). `secret`: whether anything in it must be kept from other users of this
    machine.
    """

    values: Mapping[str, str] = field(repr=False)  # passwords among them
    ignored: tuple[str, ...]
    hints: tuple[tuple[int, str], ...]
    secret: bool


# -- the table -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Keys:
    """`clientkeys.toml`. `ignored` and `refused`: name → why; a name may end with a `*`."""

    understood: frozenset[str]
    aliases: Mapping[str, str]
    ignored: Mapping[str, str]
    refused: Mapping[str, str]

    def why_ignored(self, name: str) -> str:
        """Why nothing is lost by ignoring it; empty if it is not to be ignored."""
        return _reason(self.ignored, name)

    def why_refused(self, name: str) -> str:
        """Why it can be neither followed nor ignored; empty if it can."""
        return _reason(self.refused, name)

    def __contains__(self, name: str) -> bool:
        used = name in self.understood or name in self.aliases
        return used or bool(self.why_ignored(name) or self.why_refused(name))


def _reason(reasons: Mapping[str, str], name: str) -> str:
    if name in reasons:
        return reasons[name]
    return next((reasons[k] for k in reasons if k[-1] == "*" and name.startswith(k[:-1])), "")


@cache
def keys() -> Keys:
    """The table of all settings."""
    text = resources.files("labs.kafka").joinpath("clientkeys.toml").read_text("utf-8")
    table = tomllib.loads(text)

    def reasons(kind: str) -> dict[str, str]:
        return {name: group["why"] for group in table[kind] for name in group["names"].split()}

    understood = frozenset(n for group in table["understood"] for n in group["names"].split())
    return Keys(understood, table["aliases"], reasons("ignored"), reasons("refused"))


def canonical(key: str) -> str:
    """A setting's name as the table has it: small, with dots, without a framework's prefix."""
    name = re.sub(r"[-_]", ".", key).lower()
    while name not in keys():
        shorter = next((name[len(p) :] for p in PREFIXES if name.startswith(p)), "")
        if not shorter:
            break
        name = shorter
    return keys().aliases.get(name, name)


# -- the file --------------------------------------------------------------------------------------


def read_settings(path: Path) -> Settings:
    """What the file says.

    Raises:
        BadInput: it can't be read, is no list of settings, says something twice and differently, or
            says something that must not be ignored and can't be followed.
    """
    text = _text(path)
    for signs, what, hint in _SHAPES:
        if signs.match(text):
            raise BadInput(words(f"file.is.{what}", path=path), hint=hint)
    hints = list(_hints_of_heads(text))
    values: dict[str, str] = {}
    ignored: list[str] = []
    secret = unfinished = False
    for line, key, value in _lines(path, text):
        name = canonical(key)
        if unfinished and _PART_OF_JAAS.fullmatch(name) and not _is_known(name):
            raise BadInput(
                words("file.jaas", line=line, path=path),
                hint=words("file.jaas_hint"),
            )
        unfinished = name == "sasl.jaas.config" and not value.endswith(";")  # as Java wants it
        secret |= bool(re.search(r"(?<!truststore\.)passw|secret|jaas|user\.info|\bkey$", name))
        if name in keys().understood:
            if values.setdefault(name, value) != value:
                raise BadInput(
                    words("file.twice", path=path, name=name), hint=words("file.twice_hint")
                )
            require_filled_in(path, name, value)
        else:
            _require_harmless(path, key, name, value)
            ignored.append(key)
            hints += ((line, needed) for needed in _hints(name, value))
    return Settings(values, tuple(dict.fromkeys(ignored)), tuple(hints), secret)


def _lines(path: Path, text: str) -> Iterator[tuple[int, str, str]]:
    """Number, name and value of each setting."""
    # A section's head, an .ini's comment and a shell's word are no settings.
    text = re.sub(r"(?m)^[ \t]*(;.*$|export[ \t]+(?=[\w.-]+[ \t]*=))", "", _HEAD.sub("", text))
    line = 1
    try:
        for element in javaproperties.parse(text):
            if isinstance(element, javaproperties.KeyValue):
                if not _NAME.fullmatch(element.key):  # not shown: it may be a part of a password
                    raise BadInput(words("file.no_line", line=line, path=path), hint=_NAME_IT)
                if _ALMOST_CONTINUED.search(element.source):
                    last = line + element.source.rstrip("\n").count("\n")
                    raise BadInput(
                        words("file.blank", line=last, path=path),
                        hint=words("file.blank_hint"),
                    )
                yield line, element.key, _bare(element.value)
            line += element.source.count("\n")
    except ValueError:  # its words may be a password's
        raise BadInput(
            words("file.no_line", line=line, path=path),
            hint=words("file.escape_hint"),
        ) from None


def _bare(value: str) -> str:
    """Without blanks around it, which no client keeps, and without a shell's or YAML's quotes."""
    value = value.strip()
    if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
        return value[1:-1].strip()
    return value


def _text(path: Path) -> str:
    """The file as text: UTF-8, else as Java reads it (ISO 8859-1); a byte order mark counts."""
    raw = _bytes(path)
    if raw.startswith(_KEY_STORE):
        raise BadInput(words("file.is.key_store", path=path), hint=_NAME_IT)
    mark = next((codec for mark, codec in _MARKS if raw.startswith(mark)), "")
    try:
        text = raw.decode(mark or "utf-8")
    except UnicodeDecodeError:
        if mark:
            raise BadInput(words("file.no_text", path=path), hint=words("file.utf8")) from None
        text = raw.decode("latin-1")
    if re.search(r"[\0-\x08\x0e-\x1a\x7f]", text):
        raise BadInput(
            words("file.no_utf8", path=path), hint=words("file.utf8_or", or_else=_NAME_IT)
        )
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _bytes(path: Path) -> bytes:
    try:
        if path.exists() and not (path.is_file() or path.is_dir()):
            raise BadInput(words("file.none", path=path), hint=_NAME_IT)
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise BadInput(
            words("file.unread", path=path, error=error.strerror), hint=_NAME_IT
        ) from None
    if len(raw) > MAX_BYTES:
        raise BadInput(words("file.too_long", path=path), hint=_NAME_IT)
    return raw


# -- what must not be passed over ------------------------------------------------------------------


def require_filled_in(path: Path, name: str, value: str) -> None:
    """A value must be one, and no `${NAME}` or `<your key>`: nobody fills that in here.

    Raises:
        BadInput: it is a placeholder.
    """
    if _PLACEHOLDER.fullmatch(value):
        raise BadInput(
            words("file.placeholder", path=path, name=name), hint=words("file.placeholder_hint")
        )


def _require_harmless(path: Path, key: str, name: str, value: str) -> None:
    """A setting that is not followed must not have been meant to make something safer.

    Raises:
        BadInput: it may have been.
    """
    if why := keys().why_refused(name):
        raise BadInput(words("file.refused", path=path, key=key), hint=why)
    if _is_known(name):
        return
    from difflib import get_close_matches  # seldom needed

    meant = get_close_matches(name, keys().understood, 1, 0.8)
    if meant or _ABOUT_SECURITY.search(name) or _is_about_security(value):
        raise BadInput(
            words("file.unknown", path=path, key=key),
            hint=words("file.meant", meant=meant[0]) if meant else words("file.unknown_hint"),
        )


def _is_known(name: str) -> bool:
    """Whether we know what a setting is about, so that its name means no harm."""
    return name in keys() or bool(_OF_THE_PROGRAM.match(name))


def _hints(name: str, value: str) -> Iterator[str]:
    """What a setting that is not followed hints at: the needed parts, as in `Settings`."""
    told = _spelt(value if _is_known(name) else f"{name} {value}")
    if _OF_THE_PROGRAM.match(name) and not _ABOUT_KAFKA.search(told):
        return
    yield from (needed for needed, hint in _HINTS.items() if hint.search(told))
    if _A_PROTOCOL.search(told):
        yield ""


def _hints_of_heads(text: str) -> Iterator[tuple[int, str]]:
    """The same of the sections' heads, with their lines; a head is judged like an unknown name."""
    for head in _HEAD.finditer(text):
        line, told = 1 + text.count("\n", 0, head.start()), _spelt(head[0])
        yield from ((line, needed) for needed, hint in _HINTS.items() if hint.search(told))
        if _ABOUT_SECURITY.search(told):
            yield line, ""


def _spelt(text: str) -> str:
    """`useSSL` as `use_ssl`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", text).lower()


def _is_about_security(value: str) -> bool:
    return value.upper() in (*PROTOCOLS, *MECHANISMS) or bool(_SECURITY_VALUE.search(value))
