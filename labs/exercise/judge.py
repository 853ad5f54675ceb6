"""Judge one try: prepare what it needs, do to it what the exercise does, and mend everything after.

>>> verdict = judge(exercise, cluster, command=["work/05_1/program.py"])
>>> verdict.verdict
'pass'
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from kafka.errors import KafkaError

from labs.base.clock import now
from labs.base.errors import BadInput, LabsError
from labs.base.progress import Tell, silent
from labs.base.words import Words
from labs.exercise import work
from labs.exercise.alone import alone
from labs.exercise.command import require_program
from labs.exercise.exercise import ANSWER, PROGRAM, Exercise
from labs.exercise.judging import BUDGET_S, Judging
from labs.exercise.verdict import CANT_TELL, PASS, CantTell, Found, Verdict
from labs.kafka.cluster import Cluster
from labs.learner.keeping import kept
from labs.learner.notes import judged
from labs.observe.healing import heal
from labs.supervise.home import work_dir

words = Words(__file__)


@contextmanager
def _judging(
    exercise: Exercise, cluster: Cluster, seed: int, tell: Tell, **more: Any
) -> Iterator[Judging]:
    """What a judge works with, while it works.

    Raises:
        CantTell: brokers would be broken, which can't be done here.
    """
    if exercise.breaks and not cluster.can_break:
        raise CantTell("cant_break")
    # What a program has left there must not cost it its verdict.
    scratched = tempfile.TemporaryDirectory(prefix="labs-exercise-", ignore_cleanup_errors=True)
    with alone(cluster, tell), scratched as scratch:
        began = now()
        if exercise.breaks:
            heal(cluster)
        more |= {"scratch": Path(scratch).resolve(), "repairs_s": now() - began}
        judging = Judging(exercise, cluster, seed, tell, **more)
        try:
            yield judging
        finally:
            judging.close()


def prepare(
    exercise: Exercise, cluster: Cluster, tell: Tell = silent, seed: int | None = None
) -> dict[str, str]:
    """Bring about what a `STATE` or an `ANSWER` is about, anew; returns what the learner is told.

    Raises:
        LabsError: it can't be done on this cluster.
    """
    assert exercise.prepare is not None
    try:
        with _judging(exercise, cluster, _seeded(seed), tell) as judging:
            told = dict(exercise.prepare(judging))
    except Found as found:
        why = exercise.says("why", found.why, **found.values)
        unprepared = words("unprepared", id=exercise.id, why=why.rstrip("."))
        raise LabsError(unprepared) from None
    work.note_asked(exercise, told)
    return told


def judge(
    exercise: Exercise,
    cluster: Cluster,
    *,
    command: Sequence[str] = (),
    answer: str = "",
    seed: int | None = None,
    tell: Tell = silent,
    budget_s: float = BUDGET_S,
) -> Verdict:
    """Judge one try, and count it.

    Args:
        exercise: what is judged.
        cluster: a running one.
        command: `PROGRAM`: the words that name the program; none: what the learner wrote last.
        answer: `ANSWER`: what the learner answers.
        seed: repeats the sequence of faults of an earlier try.
        tell: hears what is being done.
        budget_s: how long it may take, s; what makes the cluster whole again comes on top.

    Raises:
        BadInput: there is no program, nothing was asked, or an answer is not what is wanted.
    """
    if answer and exercise.kind != ANSWER:
        raise BadInput(words("no_answer.what", id=exercise.id), hint=words("no_answer.hint"))
    began, chosen = now(), _seeded(seed)
    more: dict[str, Any] = {"answer": answer.strip(), "budget_s": budget_s}
    if exercise.kind == PROGRAM:
        more["command"] = command or [str(work.written(exercise))]
        require_program(more["command"])
    else:
        more["asked"] = work.asked(exercise)
    evidence: tuple[str, ...] = ()
    found: Found | None = None
    judging: Judging | None = None
    tell(words("says.judging", id=exercise.id, seed=chosen), None)
    try:
        with _judging(exercise, cluster, chosen, tell, **more) as judging:
            try:
                evidence = exercise.judge(judging) or ()
            except Exception as ended:
                judging.look_behind(ended)
                raise
    except Found as raised:
        found = raised
    except BadInput:
        raise
    except (LabsError, KafkaError) as error:
        told = str(error).rstrip(".") or type(error).__name__
        found = CantTell("broken_off", because=told)
    except Exception as error:
        told = "".join(traceback.format_exception_only(error)).strip()
        found = CantTell("judge_failed", told, log=_logged())
    reason = found.why if found else ""
    values = found.values if found else {}
    verdict = found.verdict if found else PASS
    one = work.next_try(exercise, reason)
    for note in (partial(work.note_try, exercise, one), partial(judged, exercise.id, verdict)):
        if not_kept := kept(note):
            tell(not_kept, None)
    return Verdict(
        exercise=exercise.id,
        verdict=verdict,
        reason=reason,
        why=exercise.says("why", reason, **values) if found else exercise.words("passed"),
        evidence=found.evidence if found else tuple(evidence),
        hint=_hint(exercise, found, one.earlier),
        tries=one.number,
        duration_s=round(now() - began, 2),
        seed=chosen,
        apart_s=judging.apart_s if judging else 0.0,
    )


def unjudged(exercise: Exercise, error: LabsError) -> Verdict:
    """What is said where nothing could be judged, for there is no cluster: no try is counted."""
    return Verdict(
        exercise=exercise.id,
        verdict=CANT_TELL,
        reason="broken_off",
        why=exercise.says("why", "broken_off", because=str(error).rstrip(".")),
        evidence=(),
        hint="",
        tries=work.tries(exercise),
        duration_s=0.0,
        seed=0,
    )


def _logged() -> Path:
    """Write the exception that is being handled to a file of the learner's folder; the file."""
    file = work_dir() / "judge-failed.log"
    with contextlib.suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(traceback.format_exc(), "utf-8")
    return file


def _hint(exercise: Exercise, found: Found | None, earlier: int) -> str:
    if found is None or found.verdict == CANT_TELL:
        return ""
    return exercise.hint(found.why, earlier, **found.values)


def _seeded(seed: int | None) -> int:
    return int.from_bytes(os.urandom(2)) if seed is None else seed
