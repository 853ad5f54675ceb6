"""A sentence stands in a table, is found by an id, and gets its values by name.

Read from the code, so that no branch of an experiment must be run to know that its sentence is
there: which ids are asked for, with which values, and which strings read like sentences.
"""

from __future__ import annotations

import ast
import re
import string
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import product
from pathlib import Path

import pytest

from labs.base import words as module
from labs.base.words import table
from labs.chapters import all_experiments
from labs.experiment.settings import Choice

LABS = Path(module.__file__).parents[1]
CHAPTERS = LABS / "chapters"
COURSE = LABS.parent / "course"
#: Where no sentence is built in code.
ROOMS = (
    *("base", "chapters", "charts", "exercise", "experiment", "kafka", "learner", "notebook"),
    *("observe", "services"),
)
FOLDERS = sorted(path.parent for path in LABS.rglob("en.toml"))
#: A part of an id that is known when the code runs.
ANY = ".+"
#: What an id of a view belongs to: `labs.charts.naming` gives it.
OF = "of"
#: How a table is asked: `words(…)`, `words.under(…)`; by an exercise's judge `says(section, id)`.
ASKING_A_TABLE = re.compile(r"(\w*words|_room|_own)(\.under)?", re.IGNORECASE)
ASKING = re.compile(rf"{ASKING_A_TABLE.pattern}|(\w+\.)?(exercise\.)?says", re.IGNORECASE)


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def owner(path: Path) -> Path:
    """The folder whose table a file asks."""
    return next(folder for folder in path.parents if (folder / "en.toml").exists())


def known(folder: Path) -> dict[str, str]:
    """The sentences that a folder's code may ask for; an exercise has those of all exercises."""
    more = table(LABS / "exercise", "en") if folder.parent.name == "exercises" else {}
    return {**more, **table(folder, "en")}


def code_of(folder: Path) -> list[Path]:
    """The files that ask a folder's table."""
    return [path for path in folder.rglob("*.py") if owner(path) == folder]


# -- which sentences the code asks for -----------------------------------------------------------


def texts(node: ast.AST, names: dict[str, list[ast.expr]]) -> Iterator[str]:
    """What an expression may be, as patterns; `names`: what has been assigned to a name."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield re.escape(node.value)
    elif isinstance(node, ast.IfExp):
        yield from list(texts(node.body, names)) or [ANY]
        yield from list(texts(node.orelse, names)) or [ANY]
    elif isinstance(node, ast.JoinedStr):
        parts = [list(texts(part, names)) for part in node.values]
        yield from map("".join, product(*parts))
    elif isinstance(node, ast.FormattedValue):
        yield from list(texts(node.value, names)) or [ANY]
    elif isinstance(node, ast.Name):
        others = {name: values for name, values in names.items() if name != node.id}
        for value in names.get(node.id, ()):
            yield from texts(value, others)


def assigned(nodes: Iterable[ast.AST]) -> dict[str, list[ast.expr]]:
    """What is assigned to each name."""
    found: dict[str, list[ast.expr]] = {}
    for node in nodes:
        if not isinstance(node, ast.Assign):
            continue
        for target in node.targets:
            pairs = [(target, node.value)]
            if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                pairs = list(zip(target.elts, node.value.elts, strict=False))
            for name, value in pairs:
                found.setdefault(ast.unparse(name), []).append(value)
    return found


def scopes(tree: ast.Module) -> Iterator[list[ast.AST]]:
    """All that stands in each function, and all that stands in none."""
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    inside = [list(ast.walk(function)) for function in functions]
    yield from inside
    within = {id(node) for nodes in inside for node in nodes}
    yield [node for node in ast.walk(tree) if id(node) not in within]


@cache
def asked(path: Path) -> list[tuple[str, ast.Call]]:
    """Each id that a file asks for, as a pattern, and where."""
    found, tree = [], parsed(path)
    asks = ASKING if CHAPTERS in path.parents else ASKING_A_TABLE
    for nodes in scopes(tree):
        names = assigned(tree.body) | assigned(nodes)
        for node in nodes:
            if isinstance(node, ast.Call) and asks.fullmatch(ast.unparse(node.func)):
                parts = [list(texts(part, names)) for part in node.args]  # or `says(section, id)`
                found += [(r"\.".join(one), node) for one in product(*parts)]
    return found


def matching(pattern: str, told: Iterable[str], call: ast.Call) -> list[str]:
    """The ids that a pattern may stand for."""
    under = ast.unparse(call.func).endswith(".under")
    end = r"\..+" if under else r"(\.one|\.other)?"
    return [id for id in told if re.fullmatch(pattern + end, id)]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: str(folder.relative_to(LABS)))
def test_every_id_that_is_asked_for_stands_in_the_table(folder: Path) -> None:
    told = known(folder)
    for path in code_of(folder):
        for pattern, call in asked(path):
            assert matching(pattern, told, call), f"{path}:{call.lineno}: {pattern}"


# -- which values it gives -----------------------------------------------------------------------


def wanted(sentence: str) -> set[str]:
    """The values that a sentence names; each can be written as it wants them, if it is a number."""
    fields = [(name, form) for _, name, form, _ in string.Formatter().parse(sentence) if name]
    assert all(format(1, form or "") for _, form in fields), sentence
    return {re.split(r"[.\[]", name)[0] for name, _ in fields}


@cache
def named(path: Path) -> re.Pattern[str]:
    """Whatever a file calls by a name: keys, keywords, strings."""
    found: set[str] = set()
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.keyword) and node.arg:
            found.add(node.arg)
        elif isinstance(node, ast.Constant | ast.JoinedStr):
            found |= {text for text in texts(node, {}) if text != ANY}
    return re.compile("|".join(found))


@cache
def settings_of(path: Path) -> set[str]:
    """The settings of a file's experiments."""
    module = ".".join(path.relative_to(LABS.parent).with_suffix("").parts)
    own = [e for e in all_experiments() if e.body.__module__ == module]
    return {setting.name for experiment in own for setting in experiment.settings}


def not_given(sentence: str, call: ast.Call, path: Path) -> set[str]:
    """The values that a sentence names, and a call does not give."""
    given = {keyword.arg for keyword in call.keywords}
    missing = wanted(sentence) - given - {OF}
    if None in given:  # `**values`: settings, and what has a name somewhere in the same file
        if CHAPTERS not in path.parents:
            return set()
        missing -= settings_of(path)
        missing = {name for name in missing if not named(path).fullmatch(name)}
    return missing


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: str(folder.relative_to(LABS)))
def test_every_value_that_a_sentence_names_is_given(folder: Path) -> None:
    """By each call that names its id; by one of them, if a part of the id is known at run time."""
    told = known(folder)
    lacking: dict[str, list[set[str]]] = {}
    for path in code_of(folder):
        for pattern, call in asked(path):
            if not ast.unparse(call.func).endswith(".under"):
                for id in matching(pattern, told, call):
                    missing = not_given(told[id], call, path)
                    assert not missing or ANY in pattern, f"{path}:{call.lineno}: {id}: {missing}"
                    lacking.setdefault(id, []).append(missing)
    assert not {id: missing for id, missing in lacking.items() if all(missing)}


# -- and whether all are asked for ---------------------------------------------------------------


@cache
def asked_in_the_course() -> set[str]:
    """`chapter.what` of each quiz and prediction that stands in the text, or in code."""
    texts = [path.read_text() for path in [*COURSE.rglob("en.md"), *LABS.rglob("*.py")]]
    return {name for text in texts for name in re.findall(r'(?:quiz|predict)\(\s*"([\w.]+)"', text)}


def by_convention(folder: Path) -> set[str]:
    """The ids that no code names: an experiment's, a quiz's, an exercise's sections."""
    told = table(folder, "en")
    if "exercises" in folder.parts:
        return {id for id in told if _of_an_exercise(folder, id)}
    found = set()
    for name in asked_in_the_course():
        chapter, what = name.split(".")
        if chapter == folder.name:
            found |= {id for id in told if re.match(rf"{what}\.(quiz|predict|options|why)\b", id)}
    found |= {id for id in told if _is_of_a_value(folder, id)}
    for experiment in all_experiments():
        chapter, what = experiment.name.split(".")
        if chapter == folder.name:
            found |= {
                id for id in told if re.match(rf"{what}\.(question|predict|options|why)\b", id)
            }
            for setting in experiment.settings:
                mine = f"{what}.help.{setting.name}"
                found.add(mine if mine in told else f"help.{setting.name}")
    return found


def _is_of_a_value(folder: Path, id: str) -> bool:
    """What a measurement, or a value, of the chapter's experiments is called where it is shown."""
    whats = {e.name.partition(".")[2] for e in all_experiments() if e.words.folder == folder}
    section, _, rest = id.partition(".")
    name = f"{section}.{rest}" if section in ("measured", "values") else rest
    if section not in (whats | {"measured", "values"}) or CHAPTERS not in folder.parents:
        return False
    kind, _, named_so = name.partition(".")
    ids = named_so.split(".", 1) if kind == "values" else [named_so]
    known = [named(path) for path in code_of(folder)]
    return kind in ("measured", "values") and all(
        any(one.fullmatch(part) for one in known) for part in ids
    )


def _of_an_exercise(folder: Path, id: str) -> bool:
    section, _, rest = id.partition(".")
    if section in ("title", "task", "passed", "contract"):
        return True
    reason = rest.partition(".")[0]
    code = [*folder.parent.rglob("*.py"), *(LABS / "exercise").glob("*.py")]
    return any(f'"{reason}"' in path.read_text() for path in code)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: str(folder.relative_to(LABS)))
def test_every_sentence_is_asked_for(folder: Path) -> None:
    told = table(folder, "en")
    used = by_convention(folder)
    for path in code_of(folder):
        for pattern, call in asked(path):
            used.update(matching(pattern, told, call))
    if folder == LABS / "exercise":
        used |= {id for id in told if _of_an_exercise(folder, id)}
    assert sorted(told.keys() - used) == []


# -- no sentence is stored in a result -------------------------------------------------------------


def measured(nodes: Iterable[ast.AST]) -> Iterator[ast.expr]:
    """What is put among a run's measurements."""
    for node in nodes:
        if isinstance(node, ast.AugAssign | ast.Assign):
            target = node.target if isinstance(node, ast.AugAssign) else node.targets[0]
            if re.search(r"\bmeasurements(\[|$)", ast.unparse(target)):
                yield node.value


def may_be(one: ast.expr, names: dict[str, list[ast.expr]]) -> list[ast.expr]:
    """What an expression's value is taken from; each name and each function is asked once."""
    if isinstance(one, ast.Dict | ast.BoolOp):
        return one.values
    if isinstance(one, ast.IfExp):
        return [one.body, one.orelse]
    named = f"{ast.unparse(one.func)}()" if isinstance(one, ast.Call) else ast.unparse(one)
    return names.pop(named, [])


def stored(tree: ast.Module) -> list[str]:
    """The sentences that a file's measurements may be, by whatever name or function of the file."""
    found = []
    for nodes in scopes(tree):
        names = assigned(nodes)
        for function in (n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)):
            told = [n.value for n in ast.walk(function) if isinstance(n, ast.Return) and n.value]
            names |= {f"{function.name}()": told}
        left = list(measured(nodes))
        while left:
            one = left.pop(0)
            if isinstance(one, ast.Call) and ASKING_A_TABLE.fullmatch(ast.unparse(one.func)):
                found.append(ast.unparse(one))
            left += may_be(one, names)
    return found


@pytest.mark.parametrize(
    ("code", "sentences"),
    [
        ("run.measurements['a'] = words('none')", ["words('none')"]),
        ("run.measurements |= {'a': b or words('none')}", ["words('none')"]),
        ("none = words('none')\nrun.measurements |= {'a': b or none}", ["words('none')"]),
        ("def f(): return words('x')\nrun.measurements['a'] = f()", ["words('x')"]),
        ("run.measurements['a'] = NONE\nrun.conclude(words('none'))", []),
    ],
)
def test_a_stored_sentence_is_seen(code: str, sentences: list[str]) -> None:
    assert stored(ast.parse(code)) == sentences


@pytest.mark.parametrize(
    "path", sorted(CHAPTERS.glob("*/*.py")), ids=lambda p: "/".join(p.parts[-2:])
)
def test_no_sentence_is_measured(path: Path) -> None:
    """A measurement's word is an id, and `labs.notebook.called` finds a sentence for it."""
    assert stored(parsed(path)) == []


# -- in another language ---------------------------------------------------------------------------

#: What English may leave to the id itself.
BY_ITS_ID = re.compile(r"(^|\.)(measured|values)\.")


def said_otherwise(folder: Path, language: str) -> list[str]:
    """The ids for which a language has a sentence, and English none, or none with these values."""
    english, told = table(folder, "en"), table(folder, language)
    return [
        id
        for id in told
        if (id not in english and not BY_ITS_ID.search(id))
        or not wanted(told[id]) <= wanted(english.get(id, ""))
    ]


def test_each_language_has_sentences_for_ids_of_english_with_the_same_values() -> None:
    others = [path for path in LABS.rglob("??.toml") if path.name != "en.toml"]
    for path in others:
        assert (path.parent / "en.toml").exists(), path
        assert said_otherwise(path.parent, path.stem) == [], path


def test_a_sentence_of_another_language_that_says_something_else_is_seen(tmp_path: Path) -> None:
    (tmp_path / "en.toml").write_text('a = "{lost} of {sent}"\nb = "{one}"\n')
    (tmp_path / "ko.toml").write_text(
        'a = "{sent}에서 {gone}"\nc = "없다"\n[x.measured]\ny = "값"\n'
    )
    assert said_otherwise(tmp_path, "ko") == ["a", "c"]


# -- no sentence is built in code ----------------------------------------------------------------

#: Two words, or a word and a value, with room between them; but `name=value` is no word.
WORD, HOLE = r"[^\W\d_]{2,}", r"\{\}"
SENTENCE = re.compile(
    rf"({WORD}[,;:]? +(?![\w.]+=)({WORD}|{HOLE}))|{HOLE}[,;:]? +(?![\w.]+=){WORD}"
)

#: What the learner's own programs say is theirs.
PROGRAMS = ("starter.py", "solution.py")

NO_SENTENCES = {
    "not written",  # what a program reports, by the contract of 03.1
    "produce response",  # stands in what the Java client logs
    "C again",  # a member's name
    # the words of kafka-topics
    "Leader: {}; Replicas: {}; Isr: {}; Elr: {}; Configs: min.insync.replicas={}",
    "not yet",  # what a verdict is, by which `--json` tells it
    # somebody else's words: the system's, Java's, matplotlib's, Jupyter's, those of logs and files
    *("Address already in use", "Caused by: ", "PRIVATE KEY", "[yyyy-MM-dd HH:mm:ss,SSS]"),
    r"^(?:Caused by: )?[\w.$]+(?:Exception|Error)\b.*",
    r"^(?:Error|Exception|Unrecognized|Invalid|Could not|\[error|# [A-Z])",
    '{} required username="{}" password="{}";',
    *("module {} has no attribute {}", "git checkout -- {}"),
    # regular expressions
    *("^(E:|W: Failed to fetch|W: Some index files failed)", "dpkg-deb: error"),
    *(r"^\s*(?:error|cause|×|├─▶|╰─▶|Caused by):?\s+(.+)", r"^# To download: (\d+ MB)$"),
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=[yyyy-MM-dd HH:mm:ss,SSS]",
    "[%d{yyyy-MM-dd HH:mm:ss,SSS}] %p %c - %s%e%n",
    # names, and a version
    *("Kafka {}", "Kafka Connect", "Debezium for PostgreSQL", "Debezium JDBC sink"),
    "Apicurio Registry",
    *("Permission denied", "class Program", "class Starter", "offset points", "axes fraction"),
    *("Invalid file descriptor: -1", "blocking the event loop", "{} ms"),
    "from labs.kafka.choose import chosen; chosen(hold=False).start()",  # a program
    "admin client",  # which of kafka-python's classes
    # for us, where a promise is broken
    *("{} has no {}", "say so in the exercise", "the contract names {}, told were {}"),
    *("nobody knows how to draw {}", "its pipe is closed", "the drawing process ended: {}"),
}
#: What a database, a shell or Erlang is told.
SQL = re.compile(r"(SELECT|INSERT|CREATE|UPDATE|DELETE|ALTER|DROP|BEGIN|case|exec) ")
#: Not read as words.
MARKUP = re.compile(r"<style>.*?</style>|<[^>]*>|.*, sans-serif", re.DOTALL)


CHOICES = [s for e in all_experiments() for s in e.settings if isinstance(s, Choice)]


def former_values() -> set[str]:
    """What commands knew an option by before; they go on taking it."""
    return {old for choice in CHOICES for old in choice.formerly}


def test_an_option_is_no_phrase() -> None:
    options = {option for choice in CHOICES for option in choice.options}
    assert {option for option in options if not re.fullmatch(r"[\w.-]+", option)} == set()


def built(path: Path) -> Iterator[tuple[int, str]]:
    """The strings of a file that read like sentences, with `{}` for each value."""
    nodes = list(ast.walk(parsed(path)))
    beside = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}  # docstrings
    for node in nodes:
        if isinstance(node, ast.JoinedStr):
            beside |= {id(part) for part in ast.walk(node) if part is not node}
    for node in nodes:
        if id(node) in beside or not isinstance(node, ast.Constant | ast.JoinedStr):
            continue
        if isinstance(node, ast.JoinedStr):
            text = "".join(p.value if isinstance(p, ast.Constant) else "{}" for p in node.values)  # type: ignore[misc]
        else:
            text = node.value if isinstance(node.value, str) else ""
        if SENTENCE.search(MARKUP.sub("|", text)) and not SQL.match(text):
            yield node.lineno, text


@pytest.mark.parametrize("room", ROOMS)
def test_no_sentence_is_built_in_code(room: str) -> None:
    known = NO_SENTENCES | former_values()
    files = [path for path in (LABS / room).rglob("*.py") if path.name not in PROGRAMS]
    found = [f"{p}:{line}: {text}" for p in files for line, text in built(p) if text not in known]
    assert found == []


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: str(folder.relative_to(LABS)))
def test_a_sentence_has_no_markup_that_is_not_drawn(folder: Path) -> None:
    """Backquotes are drawn as code (`labs.notebook.card.inline`), and nothing else."""
    plain = {id: re.sub(r"`[^`]*`", "", told) for id, told in table(folder, "en").items()}
    assert not [id for id, told in plain.items() if re.search(r"\*\w|</?\w+>|\]\(", told)]
