"""`labs exercises`, `labs new` and `labs check`: the exercises without a notebook."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from labs.base.errors import BadInput, LabsError
from labs.base.progress import progress
from labs.base.streams import print_json, require_written
from labs.chapters import all_exercises, find_exercise
from labs.exercise import work
from labs.exercise.command import javac, require_program, words_of
from labs.exercise.exercise import ANSWER, PROGRAM, Exercise
from labs.exercise.judge import judge, prepare, unjudged
from labs.exercise.verdict import CANT_TELL, EXIT_CODES, PASS, Verdict
from labs.kafka.choose import chosen


def listing(as_json: bool) -> None:
    """Print every exercise."""
    found = all_exercises()
    if as_json:
        print_json([_described(exercise) for exercise in found])
        found = []
    for exercise in found:
        about = f"{exercise.kind}, {exercise.minutes} minutes"
        breaks = ", breaks brokers" if exercise.breaks else ""
        print(f"{exercise.id}  {exercise.title} ({about}{breaks})")
    require_written()


def _described(exercise: Exercise) -> dict[str, object]:
    return {
        "id": exercise.id,
        "title": exercise.title,
        "chapter": exercise.chapter,
        "kind": exercise.kind,
        "minutes": exercise.minutes,
    }


def new(id: str, language: str | None) -> None:
    """Write the starter of a program; prepare the state or the question of another exercise.

    Raises:
        BadInput: there is no such exercise, or no starter in that language.
    """
    exercise = find_exercise(id)
    if language is not None and exercise.kind != PROGRAM:
        raise BadInput(f"exercise {exercise.id} is not about a program", hint="omit --lang")
    print(f"{exercise.id}  {exercise.title}\n\n{exercise.task}\n")
    if exercise.kind == PROGRAM:
        _new_program(exercise, language or "python")
    else:
        with progress() as tell:
            cluster = chosen(tell)
            cluster.start()
            told = prepare(exercise, cluster, tell)
        _variables({"KAFKA_BOOTSTRAP_SERVERS": ",".join(cluster.bootstrap), **told})
        answer = " --answer ANSWER" if exercise.kind == ANSWER else ""
        print(f"\nJudge it with: labs check {exercise.id}{answer}")
    require_written()


def _new_program(exercise: Exercise, language: str) -> None:
    exercise.starter(language)  # refused before anything is written
    print("Your program is told by variables:")
    _variables(exercise.variables)
    file, is_new = work.write_starter(exercise, language)
    print(f"\nBegin with {file}" if is_new else f"\n{file} is there already, and stays as it is.")
    if language == "java" and javac() is None:
        print("There is no Java compiler (JDK 17 or newer) here; judging Java needs one.")
    if exercise.breaks:
        print("Judging it breaks brokers, so it needs a cluster of your own.")
    print(f"Judge it with: labs check {exercise.id}")


def _variables(told: Mapping[str, str]) -> None:
    width = max(map(len, told))
    for name, value in told.items():
        print(f"  {name:{width}}  {value}")


def check(
    id: str, program: str | None, answer: str | None, as_json: bool, seed: int | None
) -> None:
    """Judge a try, print the verdict, and end with its exit code.

    Raises:
        BadInput: there is no such exercise or program, or it wants something else.
        LabsError: nothing could be judged; its exit code is that of "can't tell".
    """
    exercise = find_exercise(id)
    _require_fitting(exercise, program, answer)
    try:
        command = _command(exercise, program)  # before a cluster is started for nothing
        with progress() as tell:
            cluster = chosen(tell)
            cluster.start()
            verdict = judge(
                exercise, cluster, command=command, answer=answer or "", seed=seed, tell=tell
            )
    except BadInput:
        raise
    except LabsError as error:  # no fault of the program's or the answer's
        error.exit_code = EXIT_CODES[CANT_TELL]
        if as_json:
            print_json(unjudged(exercise, error).as_dict())
        raise
    if as_json:
        print_json(verdict.as_dict())
    else:
        print_verdict(verdict)
    require_written()
    sys.exit(verdict.exit_code)


def _command(exercise: Exercise, program: str | None) -> list[str]:
    """The words that name the program, where one is judged.

    Raises:
        BadInput: there is no such program.
    """
    if exercise.kind != PROGRAM:
        return []
    command = [str(work.written(exercise))] if program is None else words_of(program)
    require_program(command)
    return command


def _require_fitting(exercise: Exercise, program: str | None, answer: str | None) -> None:
    if program is not None and exercise.kind != PROGRAM:
        raise BadInput(f"exercise {exercise.id} is not about a program", hint="omit --program")
    if answer is not None and exercise.kind != ANSWER:
        raise BadInput(f"exercise {exercise.id} asks for no answer", hint="omit --answer")
    if exercise.kind == ANSWER and not (answer or "").strip():
        raise BadInput(f"exercise {exercise.id} wants an answer", hint="give it by --answer VALUE")
    if exercise.kind != PROGRAM:
        work.asked(exercise)


def print_verdict(verdict: Verdict) -> None:
    """Print a verdict for people."""
    print(f"{verdict.exercise}: {verdict.verdict}\n{verdict.why}")
    for seen in verdict.evidence:
        print(f"  - {seen}")
    if verdict.hint:
        print(f"Hint: {verdict.hint}")
    again = "" if verdict.verdict == PASS else f"; --seed {verdict.seed} repeats it"
    print(f"(try {verdict.tries}, {verdict.duration_s:.1f} s, seed {verdict.seed}{again})")
