"""A result as HTML: the verdict in words, the records that prove it, the figures."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from labs.base.words import Words
from labs.charts import night
from labs.charts.style import FONT, GREEN, INK, LINE, MUTED, VERMILLION
from labs.experiment.result import Measured, Result
from labs.notebook.called import Called, called
from labs.notebook.reconciliation import Reconciliation
from labs.workload import verdicts
from labs.workload.judgements import UNKNOWN, VALID, VIOLATED, Judgement, Offender
from labs.workload.set_here import rows

words = Words(__file__)

#: How many offending records the table shows.
SHOWN = 5

_ROWS = 6  # of measurements, before a further table begins
_BLANK = "\N{NO-BREAK SPACE}"  # as high as the caption of the table beside it

_SIGNS = {VALID: "✓", VIOLATED: "✗", UNKNOWN: "?"}
_CIRCUMSTANCES = ("cores_shared", "load_average_1min")
_BY_IDS = Called()

CSS = f"""{night.CSS}<style>
.labs-finding {{ font-family: {FONT}; font-size: 14px; line-height: 1.5; max-width: 900px;
  color: var(--jp-ui-font-color1, {INK}); white-space: normal; }}
.labs-finding p {{ margin: 4px 0; }}
.labs-finding .labs-said {{ padding: 6px 12px; border: 1px solid var(--jp-border-color1, {LINE});
  border-left: 6px solid {MUTED}; border-radius: 4px; margin: 6px 0; }}
.labs-finding .labs-valid {{ border-left: 6px solid {GREEN}; }}
.labs-finding .labs-violated {{ border-left: 6px double {VERMILLION}; }}
.labs-finding .labs-unknown {{ border-left: 6px dotted {MUTED}; }}
.labs-finding .labs-side {{ display: flex; flex-wrap: wrap; gap: 4px 36px; align-items: start; }}
.labs-finding table {{ border-collapse: collapse; margin: 6px 0; font-size: 13px; border: none; }}
.labs-finding caption {{ text-align: left; font-weight: 600; padding: 2px 0; caption-side: top;
  color: inherit; }}
.labs-finding table tr th, .labs-finding table tr td {{ padding: 2px 14px 2px 0;
  text-align: left; border: none; background: none; color: inherit;
  font-variant-numeric: tabular-nums; vertical-align: top; }}
.labs-finding table tr th {{ font-weight: 600;
  border-bottom: 1px solid var(--jp-border-color1, {LINE}); }}
.labs-finding table tr .labs-figure {{ text-align: right; }}
.labs-finding .labs-muted {{ color: var(--jp-ui-font-color2, {MUTED}); font-size: 12px; }}
</style>"""


def told(result: Result, reconciliation: Reconciliation | None = None) -> str:
    """All words of a result, as HTML."""
    return "".join(
        (
            verdict_html(result),
            reconciliation_html(reconciliation),
            '<div class="labs-side">',
            *(offenders_html(judgement) for judgement in result.judgements),
            measurements_html(result),
            "</div>",
            circumstances_html(result),
            rest_html(result),
            set_here_html(result),
        )
    )


def verdict_html(result: Result) -> str:
    """What the run has shown, and a verdict on each thing that it is about."""
    concluded = f"<p><b>{escape(_sentence(result.conclusion))}</b></p>" if result.conclusion else ""
    told = "".join(map(_judgement_html, result.judgements))
    verdicts = [judgement.verdict for judgement in result.judgements]
    worst = next((v for v in (VIOLATED, UNKNOWN) if v in verdicts), VALID)
    return f'<div class="labs-said labs-{worst}">{concluded}{told}</div>'


def _judgement_html(judgement: Judgement) -> str:
    title, sign = verdicts.title(judgement), _SIGNS[judgement.verdict]
    rest = f"{verdicts.found(judgement)}. {verdicts.details(judgement)}".strip()
    return f"<p><b>{sign} {escape(title)}</b>: {escape(rest)}</p>"


def reconciliation_html(told: Reconciliation | None) -> str:
    """The prediction beside what came true."""
    if told is None:
        return ""
    if told.right is None:
        answer = f"<b>{escape(told.words(told.measured))}</b>"
        return f"<p>{words('result.answer', answer=answer)}</p>"
    sign, side = ("✓", "valid") if told.right else ("≠", "violated")
    why = f"<p>{escape(_sentence(told.explanation))}</p>" if told.explanation else ""
    return (
        f'<div class="labs-said labs-{side} t-reconciled">'
        f"<p><b>{sign} {escape(told.verdict)}</b></p>{why}</div>"
    )


def _sentence(text: str) -> str:
    """With a capital, unless it begins with a name such as `acks=1`, and a full stop."""
    first = text.split(" ", 1)[0]
    begun = text[:1].upper() + text[1:] if first.isalpha() else text
    return begun if begun.endswith((".", "!", "?")) else f"{begun}."


def offenders_html(judgement: Judgement) -> str:
    """The first records that prove a violation, as a table."""
    offenders = judgement.offenders
    if not offenders:
        return ""
    rows = "".join(_offender_row(offender) for offender in offenders[:SHOWN])
    shown = min(SHOWN, len(offenders))
    more = max(sum(judgement.offences.values()), len(offenders)) - shown
    told = words("result.more", count=more)
    rest = f'<tr><td colspan="7" class="labs-muted">{told}</td></tr>' * bool(more)
    heads = (*words.under("result.offenders").values(), "")
    head = "".join(f"<th scope='col'>{name}</th>" for name in heads)
    return f"<table><caption>{words('result.proof')}</caption><tr>{head}</tr>{rows}{rest}</table>"


def _offender_row(offender: Offender) -> str:
    broker = offender.acknowledged_by
    by = words("result.broker", broker=broker) if broker else None
    cells = (
        verdicts.kind(offender),
        offender.number,
        offender.key,
        offender.partition,
        offender.offset,
        by,
        offender.detail,
    )
    return f"<tr>{''.join(f'<td>{_cell(cell)}</td>' for cell in cells)}</tr>"


def _cell(value: object) -> str:
    return "—" if value is None else escape(str(value))


def measurements_html(result: Result) -> str:
    """What the run is about, with units: tables of a few rows that stand side by side."""
    found = result.measurements.items()
    about = {n: v for n, v in found if n in result.about}
    return _tables(result, about, words("result.measured"))


def rest_html(result: Result) -> str:
    """All else that was measured, folded: only few readers ask."""
    found = result.measurements.items()
    rest = {n: v for n, v in found if n not in (*result.about, *_CIRCUMSTANCES)}
    if not rest:
        return ""
    more = words(f"result.{'also_measured' if result.about else 'measured'}")
    return (
        f'<details class="labs-muted t-measured"><summary>{more} ({len(rest)})</summary>'
        f'<div class="labs-side">{_tables(result, rest)}</div></details>'
    )


def _tables(result: Result, measurements: Mapping[str, Measured], caption: str = "") -> str:
    rows = [
        f'<tr><td>{escape(name)}</td><td class="labs-figure">{escape(value)}</td></tr>'
        for name, value in main_measurements(measurements, called(result.experiment))
    ]
    tables = []
    for start in range(0, len(rows), _ROWS):
        above = f"<caption>{caption if start == 0 else _BLANK}</caption>" if caption else ""
        tables.append(f"<table>{above}{''.join(rows[start : start + _ROWS])}</table>")
    return "".join(tables)


def main_measurements(
    measurements: Mapping[str, Measured], by: Called = _BY_IDS
) -> list[tuple[str, str]]:
    """Each measurement's name in words, and its value with the unit."""
    told = []
    for name, value in measurements.items():
        if name not in _CIRCUMSTANCES:
            said, unit = by.measured(name)
            shown = f"{by.value(name, value)} {unit if value is not None else ''}".strip()
            told.append((said, shown))
    return told


def circumstances_html(result: Result) -> str:
    """What a reader of the figures must know: what else used these cores."""
    measured = result.measurements
    cores, load = (measured.get(name) for name in _CIRCUMSTANCES)
    told = [words("result.cores", cores=cores) if cores else ""]
    told += [words("result.load", load=load) if load is not None else ""]
    told += map(str, result.jumps)
    told += [
        f"{result.duration_s:.1f} s",
        words("result.topic", topic=result.topic) if result.topic else "",
    ]
    return f'<p class="labs-muted">{escape("; ".join(filter(None, told)))}.</p>'


def set_here_html(result: Result) -> str:
    """What this run set otherwise than the default, folded: a reader of the figures may ask."""
    found = rows(result.set_here)
    if not found:
        return ""
    heads = ("", *words.under("result.settings").values())
    head = "".join(f"<th scope='col'>{name}</th>" for name in heads)
    body = "".join(
        f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in found
    )
    return (
        '<details class="labs-muted t-set-here">'
        f"<summary>{words('result.set_here', count=len(found))}</summary>"
        f"<table><tr>{head}</tr>{body}</table><p>{words('result.lab')}</p></details>"
    )
