"""What the cockpit shows: the picture, each broker's buttons, a status line and a log."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from functools import partial
from html import escape

import ipywidgets as w

from labs.base.clock import wall
from labs.base.words import Words
from labs.charts import night
from labs.charts.style import FONT, INK, MUTED
from labs.charts.topology import topology_svg
from labs.kafka.actions import ACTIONS
from labs.kafka.cluster import Node
from labs.notebook.parts import button, html, status_line
from labs.observe.chronicle import Event
from labs.observe.snapshot import ClusterSnapshot

words = Words(__file__)

ICONS = {
    "kill": "bolt",
    "pause": "pause",
    "resume": "play",
    "stop": "power-off",
    "start": "play-circle",
}
_SLOTS = (("kill",), ("pause", "resume"), ("stop", "start"))  # one of each pair is to be seen

_CSS = f"""{night.CSS}<style>
.labs-status, .labs-log {{ font-family: {FONT}; font-size: 13px; line-height: 1.5; }}
.labs-status {{ min-height: 1.5em; color: var(--jp-ui-font-color1, {INK}); white-space: normal; }}
.labs-bad {{ color: var(--jp-error-color1, #A03C00); font-weight: 600; }}
.labs-log {{ margin: 0 20px; min-height: 130px; color: var(--jp-ui-font-color1, {INK}); }}
.t-cockpit {{ container-type: inline-size; }}
.labs-act {{ padding: 0 4px; }}
@container (max-width: 800px) {{ .labs-act .fa {{ display: none; }} }}
.labs-log td {{ padding: 0 14px 0 0; text-align: left; vertical-align: top; }}
.labs-log time {{ color: var(--jp-ui-font-color2, {MUTED}); font-variant-numeric: tabular-nums; }}
</style>"""


class CockpitView:
    """The widget. It does nothing by itself: it calls others when a button is pressed.

    For browser tests it carries the classes `t-cockpit`, `t-picture`, `t-status`, `t-log`,
    `t-refresh`, `t-mend` and, for each broker, `t-kill-1`, `t-pause-1`, `t-resume-1`, `t-stop-1`,
    `t-start-1`.

    Args:
        press: called with the action and the broker whose button was pressed.
        refresh: called when *Refresh* was pressed.
        mend: called when *Repair all* was pressed.
        can_break: whether there are buttons that break and mend.
    """

    def __init__(
        self,
        press: Callable[[str, int], object],
        refresh: Callable[[], object],
        mend: Callable[[], object],
        can_break: bool,
    ) -> None:
        self._press, self._can_break = press, can_break
        self._drawn: object = None
        self._picture, self._status, self._log = map(html, ("t-picture", "t-status", "t-log"))
        self._status.layout.flex = "1 1 auto"
        self._columns: dict[int, dict[str, w.Button]] = {}
        self._buttons = w.HBox(
            layout=w.Layout(max_width="900px", padding="0 20px", grid_gap="14px")
        )
        tools = [button(words("cockpit.refresh"), "t-refresh", refresh, icon="refresh")]
        tools[0].tooltip = words("cockpit.refresh_tip")
        if can_break:
            tools.insert(0, button(words("cockpit.repair_all"), "t-mend", mend, icon="wrench"))
            tools[0].tooltip = words("cockpit.repair_all_tip")
        bar = w.HBox(
            [self._status, *tools],
            layout=w.Layout(max_width="900px", align_items="center", padding="4px 20px"),
        )
        self.box = w.VBox([w.HTML(_CSS), self._picture, self._buttons, bar, self._log])
        self.box.add_class("t-cockpit")
        self.said = ""
        self.say("")

    def say(self, text: str, *, bad: bool = False) -> None:
        """Put a sentence into the status line."""
        self.said = text
        self._status.value = status_line(text, bad=bad, hook="labs-status")

    def disable(self, broker: int) -> None:
        """Let no button of a broker be pressed until the next drawing, which is sure to come."""
        self._drawn = None
        for made in self._columns.get(broker, {}).values():
            made.disabled = True

    def draw(
        self, snapshot: ClusterSnapshot, events: Sequence[Event], busy: Collection[int]
    ) -> bool:
        """Show these; False: nothing of it is new, and nothing went to the browser."""
        shown = (replace(snapshot, time=0), tuple(events), frozenset(busy))
        if shown == self._drawn:
            return False
        self._drawn = shown
        self._picture.value = topology_svg(snapshot)
        self._log.value = _log_html(events)
        if self._can_break:
            self._draw_buttons(snapshot, busy)
        return True

    def _draw_buttons(self, snapshot: ClusterSnapshot, busy: Collection[int]) -> None:
        ids = [n.id for n in snapshot.brokers]
        if ids != list(self._columns):
            self._columns = {i: self._columns.get(i) or self._column(i) for i in ids}
            self._buttons.children = [
                w.HBox(list(buttons.values()), layout=w.Layout(flex="1 1 0", width="auto"))
                for buttons in self._columns.values()
            ]
        for node in snapshot.brokers:
            self._enable(node, node.id in busy)

    def _column(self, broker: int) -> dict[str, w.Button]:
        buttons = {}
        for name, action in ACTIONS.items():
            pressed = partial(self._press, name, broker)
            made = button(words(f"cockpit.{name}"), f"t-{name}-{broker}", pressed, icon=ICONS[name])
            made.tooltip = words("cockpit.tip", tip=action.tip, broker=broker)
            made.layout = w.Layout(flex="1 1 0", width="auto", min_width="0")
            made.add_class("labs-act")
            buttons[name] = made
        return buttons

    def _enable(self, node: Node, busy: bool) -> None:
        buttons = self._columns[node.id]
        for slot in _SLOTS:
            possible = [a for a in slot if node.state in ACTIONS[a].allowed]
            seen = possible[0] if possible else slot[0]
            for name in slot:
                buttons[name].layout.display = None if name == seen else "none"
                buttons[name].disabled = name not in possible or busy


def _log_html(events: Sequence[Event]) -> str:
    rows = "".join(
        f"<tr><td><time>{_clock(event.time)}</time></td><td>{escape(event.text)}</td></tr>"
        for event in reversed(events)
    )
    nothing = f"<tr><td>{escape(words('cockpit.nothing'))}</td></tr>"
    table = f'<table aria-label="{escape(words("cockpit.log"))}">{rows or nothing}</table>'
    return f'<div class="labs-log">{table}</div>'  # of one height, so that nothing below it jumps


def _clock(when: float) -> str:
    epoch_s = wall(when)
    ms = int(1000 * epoch_s) % 1000
    return f"{time.strftime('%H:%M:%S', time.localtime(epoch_s))}.{ms:03d}"
