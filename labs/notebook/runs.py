"""The runs so far: a row for each, and the pictures of two of them, one below the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import ipywidgets as w

from labs.base.words import Words
from labs.charts.night import PICTURE
from labs.notebook.called import called
from labs.notebook.finding import Finding
from labs.notebook.result_html import main_measurements
from labs.workload.judgements import VALID, Judgement
from labs.workload.verdicts import summary, title

words = Words(__file__)

_TICK = "28px"  # the width of the column with the ticks


class Runs:
    """The rows are `history`, the two pictures `compared`; a run's tick is `t-row-NUMBER`."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self.history, self.compared = w.VBox(), w.VBox()
        self.history.add_class("t-history")
        self.compared.add_class("t-compared")
        self._ticked: list[int] = []

    def add(self, finding: Finding) -> None:
        """One more run."""
        self.findings.append(finding)
        self._show()

    def _show(self) -> None:
        if len(self.findings) < 2:
            return
        names = differing([finding.result.settings for finding in self.findings])
        head = _row(*words.under("runs.head").values(), head=True)
        spacer = w.HTML(layout=w.Layout(width=_TICK, flex=f"0 0 {_TICK}"))
        rows = [w.HBox([self._tick_of(f), _wide(_told(f, names))]) for f in self.findings]
        above = w.HTML(f'<p class="labs-kind">{words("runs.so_far")}</p>')
        self.history.children = [above, w.HBox([spacer, _wide(head)]), *rows]

    def _tick_of(self, finding: Finding) -> w.Checkbox:
        box = w.Checkbox(
            value=finding.number in self._ticked,
            indent=False,
            tooltip=words("runs.compare", number=finding.number),
            layout=w.Layout(width=_TICK, flex=f"0 0 {_TICK}"),
        )
        box.add_class(f"t-row-{finding.number}")
        box.observe(lambda change: self._compare(finding.number, change["new"]), "value")
        return box

    def _compare(self, number: int, chosen: bool) -> None:
        kept = [n for n in self._ticked if n != number]
        self._ticked = [*kept, number][-2:] if chosen else kept
        if chosen and len(kept) == 2:
            self._show()  # the oldest of three gives way
        shown = [self.findings[n - 1] for n in sorted(self._ticked)]
        self.compared.children = [_captioned(f) for f in shown] if len(shown) == 2 else []


def differing(settings: Sequence[Mapping[str, Any]]) -> list[str]:
    """The names of the settings that are not the same in all runs."""
    first = settings[0] if settings else {}
    return [name for name in first if any(run.get(name) != first[name] for run in settings)]


def _told(finding: Finding, names: list[str]) -> str:
    result, counts = finding.result, finding.result.report.counts
    by = called(result.experiment)
    settings = by.settings({name: result.settings[name] for name in names}) or words("runs.same")
    acknowledged = words("runs.acknowledged", count=counts.acknowledged, sent=counts.sent)
    verdict = " ".join([acknowledged, *map(_brief, result.judgements)])
    first = sorted(result.measurements.items(), key=lambda one: one[0] not in result.about)
    shown = main_measurements(dict(first), by)
    measured = "; ".join(f"{a} {b}" for a, b in shown[:3])
    return _row(str(finding.number), settings, verdict, measured)


def _brief(judgement: Judgement) -> str:
    return f"{title(judgement)}." if judgement.verdict == VALID else summary(judgement)


def _row(*cells: str, head: bool = False) -> str:
    inner = "".join(f"<span>{escape(cell)}</span>" for cell in cells)
    return f'<div class="labs-run{" labs-head" * head}">{inner}</div>'


def _wide(html: str) -> w.HTML:
    return w.HTML(html, layout=w.Layout(flex="1 1 auto"))


def _captioned(finding: Finding) -> w.VBox:
    settings = called(finding.result.experiment).settings(finding.result.settings)
    image = w.Image(value=finding.png, format="png", layout=w.Layout(width="900px"))
    image.layout.max_width = "100%"
    image.add_class(PICTURE)
    run = words("runs.run", number=finding.number)
    caption = f'<p class="labs-caption"><b>{run}</b>: {escape(settings)}</p>'
    return w.VBox([w.HTML(caption), image])
