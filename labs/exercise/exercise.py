"""An exercise is a value: what the learner is to build or find out, and who judges it.

>>> EXERCISE = Exercise("05.1", PROGRAM, Words(__file__), judge, minutes=15, contract=(TOPIC, OUT))

It lies in a folder of its own, with its sentences (`en.toml`), what the learner begins with
(`starter.py`, `Starter.java`) and what passes (`solution.py`). CONTRIBUTING.md, "An exercise", says
what stands in each.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labs.base.errors import BadInput
from labs.base.words import Words

#: The kinds: bring something into a state, find something out, write a program.
STATE, ANSWER, PROGRAM = "state", "answer", "program"

#: The variables that every program gets.
ALWAYS = ("KAFKA_BOOTSTRAP_SERVERS", "KAFKA_CLIENT_PROPERTIES")

#: The languages that a starter may be written in: name → how its file's name ends.
LANGUAGES = {"python": ".py", "java": ".java"}

_ROOM = Words(__file__)


@dataclass(frozen=True)
class Exercise:
    """One thing to build or to find out.

    Args:
        id: the chapter's number, a point, its place in the chapter: `05.1`.
        kind: `PROGRAM`, `STATE` or `ANSWER`.
        words: its sentences: `title`, `task`, `passed`; under `contract` what each variable says;
            under `why` each reason not to pass, and under `hints.REASON` the hints for it, the
            least specific first.
        judge: gets the `Judging`, and looks for what is wrong. It raises `NotYet` or `CantTell`; if
            it returns, the exercise is passed, and what it returns is the evidence.
        minutes: how long a learner needs.
        contract: the variables that a program, or whoever answers, is told beside `ALWAYS`.
        prepare: `STATE` and `ANSWER` only: gets the `Judging`, makes what the exercise is about,
            and returns what the learner is told of it: the contract's variables. Each `labs new`
            asks it again.
        breaks: whether judging, or preparing, breaks brokers.
    """

    id: str
    kind: str
    words: Words
    judge: Callable[[Any], tuple[str, ...] | None]
    minutes: int
    contract: tuple[str, ...] = ()
    prepare: Callable[[Any], Mapping[str, str]] | None = None
    breaks: bool = False

    @property
    def chapter(self) -> str:
        """The chapter's number, such as `05`."""
        return self.id.partition(".")[0]

    @property
    def title(self) -> str:
        """What is to be done, in a few words."""
        return self.words("title")

    @property
    def task(self) -> str:
        """What is to be done."""
        return self.words("task").strip()

    @property
    def variables(self) -> dict[str, str]:
        """Each variable of the contract, and what it says."""
        own = self.words.under("contract")
        shared = _ROOM.under("contract")
        names = (*ALWAYS, *self.contract)
        return {name: own.get(name) or shared[name] for name in names}

    def says(self, section: str, reason: str, **values: object) -> str:
        """The sentence of a reason, in the exercise's own words, or in those of all exercises.

        Raises:
            KeyError: nobody has a sentence for that reason.
        """
        name = f"{section}.{reason}"
        own = any(id == reason or id.startswith(f"{reason}.") for id in self.words.under(section))
        return (self.words if own else _ROOM)(name, **values)

    def hint(self, reason: str, earlier: int, **values: object) -> str:
        """What to try next, when `earlier` tries have failed for the same reason; maybe nothing."""
        own = self.words.under(f"hints.{reason}")
        hints = list((own or _ROOM.under(f"hints.{reason}")).values())
        return hints[min(earlier, len(hints) - 1)].format_map(values) if hints else ""

    def starter(self, language: str) -> Path:
        """What the learner begins with.

        Raises:
            BadInput: there is no starter in that language.
        """
        found = self.file("starter", language)
        if found is None:
            raise BadInput(
                _ROOM("no_starter.what", id=self.id, language=language),
                hint=_ROOM("no_starter.hint"),
            )
        return found

    def file(self, what: str, language: str) -> Path | None:
        """The `starter` or the `solution` in that language, if there is one."""
        name = what.capitalize() if language == "java" else what
        found = self.words.folder / f"{name}{LANGUAGES[language]}"
        return found if found.exists() else None
