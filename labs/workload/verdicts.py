"""What a verdict says to a reader. The checker gives ids and figures; the sentences stand here.

>>> summary(report), details(report)
('Log violated: 40 lost.', '(100 sent, 100 acknowledged, 60 readable.)')
"""

from __future__ import annotations

from labs.base.words import Words
from labs.workload.judgements import UNKNOWN, VALID, Judgement, Offender, Processing, Report

words = Words(__file__)


def title(judgement: Judgement) -> str:
    """The verdict, and what it is about: “Log violated”."""
    return words(f"{judgement.about}.{judgement.verdict}")


def found(judgement: Judgement) -> str:
    """What the verdict rests on: “40 lost”."""
    if judgement.verdict == UNKNOWN:
        return judgement.why
    offences = judgement.offences.items()
    told = [words(f"{judgement.about}.{kind}", count=count) for kind, count in offences]
    return ", ".join(told) or words(f"{judgement.about}.{_nothing(judgement)}")


def _nothing(judgement: Judgement) -> str:
    again = isinstance(judgement, Processing) and judgement.again
    return "nothing_but_asked" if again else "nothing"


def summary(judgement: Judgement) -> str:
    """Title and finding, in a sentence."""
    return f"{title(judgement)}: {found(judgement)}."


def details(judgement: Judgement) -> str:
    """What else a reader may ask; empty where there is nothing."""
    if isinstance(judgement, Report):
        return f"({_counted(judgement)}.)"
    if isinstance(judgement, Processing):
        return _left_open(judgement)
    return ""


def told(judgement: Judgement) -> str:
    """All of it."""
    return f"{summary(judgement)} {details(judgement)}".strip()


def _counted(report: Report) -> str:
    c, others = report.counts, report.others
    sent = [("sent", c.sent), ("acknowledged", c.acknowledged)]
    sent += [(name, n) for name, n in (("failed", c.failed), ("unknown_outcome", c.unknown)) if n]
    copies = words("log.copies", count=c.duplicated) if c.duplicated else ""
    read = words("log.readable", count=c.readable) + copies
    parts = [", ".join([*(words(f"log.{name}", count=n) for name, n in sent), read])]
    if others.written:
        never = [("written", others.written), ("again", others.again), ("moved", others.moved)]
        parts.append(", ".join(words(f"others.{name}", count=n) for name, n in never if n))
    return "; ".join(parts)


def _left_open(processing: Processing) -> str:
    missed = processing.why and processing.verdict not in (UNKNOWN, VALID)
    parts = [words("processing.missed_unknown", why=processing.why)] if missed else []
    parts += [words("processing.as_asked", count=processing.again)] if processing.again else []
    return " ".join(parts)


def kind(offender: Offender) -> str:
    """What a record proves: “lost”."""
    return words(f"kind.{offender.kind}")


def evidence(offender: Offender) -> str:
    """A record that proves a violation, in a line."""
    by = offender.acknowledged_by
    acknowledged = words("offender.by", broker=by) if by else ""
    detail = f": {offender.detail}" if offender.detail else ""
    where = {"partition": offender.partition, "offset": offender.offset, "by": acknowledged}
    record = words("offender.record", number=offender.number, key=offender.key, **where)
    return f"{kind(offender)}: {record}{detail}"
