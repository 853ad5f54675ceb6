"""One panel for any experiment: predict, set, run, look, compare.

>>> crash = panel("acks.leader_crash")
>>> crash                      # the last line of a cell shows it
>>> crash.run(acks="1")        # does what the Run button does, and waits

The experiment runs in a thread of its own; another has it drawn, by another process. Both write
straight into the widgets, as the cockpit does. Nothing is captured, no matplotlib window is opened.
"""

from __future__ import annotations

import atexit
import os
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import ipywidgets as w

from labs.base import python
from labs.base.errors import BadInput, LabsError
from labs.chapters import find
from labs.charts import picture
from labs.charts.painter import Painter
from labs.charts.style import FONT, INK, LINE, MUTED, png
from labs.experiment.experiment import Experiment
from labs.experiment.live import Live, Stopped
from labs.experiment.prediction import Ask, Estimate, Options
from labs.experiment.result import Result
from labs.experiment.settings import Choice, Number, Setting, Switch, Value, resolve
from labs.experiment.views import Bars, View
from labs.kafka.choose import connect
from labs.kafka.cluster import Cluster, State
from labs.notebook import quiz
from labs.notebook.cells import NotHere
from labs.notebook.finding import CSS as FINDING_CSS
from labs.notebook.finding import RESULT_MIME, Finding, differing, main_measurements, told
from labs.notebook.quiz import Prediction, Reconciliation, reconcile

#: Between two pictures, s, if drawing is quick enough: five a second. More would hold up brokers
#: that start meanwhile: a picture takes a tenth of a second of a core.
FRAME_S = 0.2
#: A rest after each picture, however long it took.
REST_S = 0.02
#: So many pictures in a row may fail to be drawn before that counts as a failure.
MISSES = 5
#: A kernel that ends waits so long for its run to stop, s; Jupyter kills it after 5.
FAREWELL_S = 3.0

ONE_AT_A_TIME = threading.Lock()
_PAINTER = Painter()


def panel(
    name: str | Experiment, /, *, cluster: Cluster | None = None, **settings: object
) -> Panel:
    """The panel of an experiment, for the last line of a cell.

    Args:
        name: `chapter.what`; `labs experiments` lists them.
        cluster: where to run; None connects to the learner's own.
        settings: values to begin with instead of the defaults.

    Raises:
        BadInput: there is no such experiment or setting, or a value is out of bounds.
    """
    experiment = find(name) if isinstance(name, str) else name
    values = resolve(experiment.settings, settings)
    return Panel(experiment, connect() if cluster is None else cluster, values)


class Panel:
    """The controls, the chart and the findings of one experiment.

    For browser tests it carries the classes `t-panel`, `t-run`, `t-stop`, `t-status`, `t-elapsed`,
    `t-chart`, `t-verdict`, `t-history`, `t-row-1` …, `t-again`, `t-reason`, `t-set-NAME` for each
    control, and those of the prediction (`t-input`, `t-lock`, `t-skip`).

    `findings` are the runs so far, `failure` is what went wrong in the last one, `frames` how many
    live pictures it has drawn.
    """

    def __init__(
        self, experiment: Experiment, cluster: Cluster, settings: Mapping[str, Value]
    ) -> None:
        self.experiment, self.cluster = experiment, cluster
        self.findings: list[Finding] = []
        self.failure: BaseException | None = None
        self.frames = 0
        self.prediction = _asked(experiment)
        self._predicted_for: Mapping[str, Value] | None = None
        self._lock = threading.RLock()  # guards the run's state, and what both threads write
        self._live: Live | None = None  # of the run that goes on now
        self._threads: tuple[threading.Thread, ...] = ()  # the run, and who draws it
        self._began = 0.0
        self._compared: list[int] = []
        self._build(settings)
        _PAINTER.start()

    # -- for the reader ------------------------------------------------------------------------

    @property
    def widget(self) -> w.Widget:
        """The panel itself, for layouts."""
        return self._box

    @property
    def settings(self) -> dict[str, Value]:
        """The values that the controls show."""
        shown = {name: control.value for name, control in self._controls.items()}
        return resolve(self.experiment.settings, shown)

    @property
    def running(self) -> bool:
        """Whether this panel's experiment runs now."""
        return self._live is not None

    def predict(self, answer: str | float) -> None:
        """Answer the panel's question, as its buttons do.

        Raises:
            BadInput: it is none of the options, out of bounds, or nothing was asked.
        """
        if self.prediction is None:
            raise BadInput(f"{self.experiment.name} asks for no prediction")
        self.prediction.choose(answer)

    def skip(self) -> None:
        """Run without a prediction."""
        if self.prediction is not None:
            self.prediction.skip()

    def run(self, **settings: object) -> Finding | NotHere:
        """Do what the Run button does, and wait until it is done.

        Settings that are not given stay as the controls show them. Not having predicted counts as
        having skipped.

        Raises:
            BadInput: an unknown setting, or a value out of bounds.
            LabsError: what went wrong, or that another panel is running.
            Stopped: the run was stopped.

        Returns:
            What was found, or why this experiment can't be run on this cluster.
        """
        values = resolve(self.experiment.settings, {**self.settings, **settings})
        if blocked := self._blocked():
            return NotHere(blocked)
        if missing := self.experiment.missing(self.cluster, values):
            return NotHere(str(missing))
        if self._unanswered():
            self.skip()
        self._show_settings(values)
        self._start(values)
        self.wait()
        if self.failure is not None:
            raise self.failure
        return self.findings[-1]

    def stop(self) -> None:
        """Ask the run to end; it mends the cluster first."""
        with self._lock:
            if self._live is not None:
                self._live.stop()
                self._stop.disabled = True
                self._say("Stopping: the cluster is made whole again …")

    def wait(self) -> None:
        """Wait for the run; an interrupt stops it, and is passed on when the cluster is whole."""
        threads = self._threads
        try:
            _join(threads)
        except KeyboardInterrupt:
            self.stop()
            _join(threads)
            raise

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        """The live panel; for a page without a kernel the last run, or what can be asked."""
        bundle: dict[str, Any] = dict(self._box._repr_mimebundle_() or {})
        if self.findings:
            last = self.findings[-1]
            bundle |= {"image/png": last.png, "text/html": last._repr_html_()}
            bundle |= {"text/plain": str(last), RESULT_MIME: last.result.figures()}
        else:
            bundle["text/html"] = self._still()
            bundle["text/plain"] = f"{self.experiment.name}: {self.experiment.question}"
        return bundle

    # -- building ------------------------------------------------------------------------------

    def _build(self, settings: Mapping[str, Value]) -> None:
        self._controls = {s.name: _control(s) for s in self.experiment.settings}
        self._show_settings(settings)
        self._run_button = _button("Run", "play", "primary", "t-run", self._clicked_run)
        self._stop = _button("Stop", "stop", "", "t-stop", lambda _: self.stop())
        self._again = _button("Predict again", "question", "", "t-again", self._clicked_again)
        self._stop.disabled = True
        self._status, self._elapsed = _html("t-status"), _html("t-elapsed")
        self._chart = w.Image(format="png", layout=w.Layout(max_width="100%", width="900px"))
        self._chart.add_class("t-chart")
        self._verdict, self._history = _html("t-verdict"), w.VBox()
        self._history.add_class("t-history")
        self._pair = w.VBox()
        self._pair.add_class("t-compared")
        self._ask_box = w.VBox()
        rows = [_row(s, self._controls[s.name]) for s in self.experiment.settings]
        bar = w.HBox([self._run_button, self._stop, self._elapsed, self._status, self._again])
        bar.add_class("labs-bar")
        for widget in (self._chart, self._again):
            widget.layout.display = "none"
        parts = [w.HTML(FINDING_CSS + _CSS), w.HTML(self._question()), self._ask_box, *rows, bar]
        parts += [self._chart, self._verdict, self._history, self._pair]
        self._box = w.VBox(parts, layout=w.Layout(max_width="924px"))
        self._box.add_class("t-panel")
        self._box.add_class("labs-panel")
        self._ask()

    def _question(self) -> str:
        name = escape(self.experiment.name)
        return (
            f'<p class="labs-kind">Experiment <code>{name}</code></p>'
            f'<p class="labs-question">{escape(self.experiment.question)}</p>'
        )

    def _ask(self) -> None:
        if self.prediction is not None:
            self.prediction.on_answer = self._refresh
            self._ask_box.children = [self.prediction.widget]
        self._refresh()

    def _refresh(self) -> None:
        """Enable what can be pressed now, and say why the rest can't."""
        blocked = self._blocked()
        running = self.running
        answered = self.prediction is not None and not self._unanswered()
        (self._ask_box.add_class if answered else self._ask_box.remove_class)("labs-answered")
        self._run_button.disabled = bool(blocked) or running or self._unanswered()
        for control in self._controls.values():
            control.disabled = running or bool(blocked)
        self._stop.disabled = not running
        done = self.prediction is not None and bool(self.findings) and not running
        self._again.layout.display = None if done else "none"
        self._tell_how(blocked)

    def _tell_how(self, blocked: str) -> None:
        if blocked:
            self._box.add_class("labs-blocked")
            self._say(blocked, hook="t-reason")
        elif self._unanswered():
            self._say("Predict first, or skip: then Run can be pressed.")
        elif not self.running and not self.findings:
            self._say("Ready: press Run.")

    def _blocked(self) -> str:
        if self.experiment.breaks and not self.cluster.can_break:
            return (
                "This experiment breaks brokers, which can't be done to this cluster. "
                "Use the local one: set LABS_CLUSTER=local and restart the kernel."
            )
        return ""

    def _unanswered(self) -> bool:
        asked = self.prediction
        return asked is not None and asked.answer is None and not asked.skipped

    def _show_settings(self, values: Mapping[str, Value]) -> None:
        for name, value in values.items():
            self._controls[name].value = value

    def _still(self) -> str:
        """The panel before its first run, for a page without a kernel."""
        values = self.settings
        rows = "".join(
            f"<tr><td><code>{escape(s.name)}</code></td>"
            f"<td>{escape(str(values[s.name]))} {escape(s.unit)}</td>"
            f"<td>{escape(s.help)} ({escape(s.allowed)})</td></tr>"
            for s in self.experiment.settings
        )
        ask = self.prediction._repr_mimebundle_()["text/html"] if self.prediction else ""
        return (
            f'{FINDING_CSS}<div class="labs-finding">{self._question()}{ask}'
            f"<table><tr><th>setting</th><th>value</th><th></th></tr>{rows}</table>"
            '<p class="labs-muted">In JupyterLab this is a panel with these settings to change '
            "and a Run button.</p></div>"
        )

    # -- pressing ------------------------------------------------------------------------------

    def _clicked_run(self, _: object = None) -> None:
        # In whatever thread the kernel runs callbacks: say so at once, and do the work elsewhere.
        try:
            self._start(self.settings)
        except LabsError as error:
            self._say(str(error), bad=True)

    def _clicked_again(self, _: object = None) -> None:
        self.prediction, self._predicted_for = _asked(self.experiment), None
        self._ask()

    def _start(self, values: Mapping[str, Value]) -> None:
        if blocked := self._blocked():
            raise LabsError(blocked.rstrip("."))
        if not ONE_AT_A_TIME.acquire(blocking=False):
            raise LabsError("an experiment is running already", hint="wait for it, or press Stop")
        live = Live()
        self._live, self.failure, self.frames = live, None, 0
        self._began = time.monotonic()
        run = threading.Thread(target=self._work, args=(values, live), daemon=True)
        painter = threading.Thread(target=self._paint, args=(live, run), daemon=True)
        self._threads = (run, painter)
        self._say("Starting …")
        self._elapsed.value = _seconds(0)
        self._chart.add_class("labs-stale")
        self._verdict.value = ""
        self._refresh()
        for thread in self._threads:
            thread.start()

    # -- the run's thread ----------------------------------------------------------------------

    def _work(self, values: Mapping[str, Value], live: Live) -> None:
        farewell = _Farewell(self.cluster, live, self._threads)
        try:
            result = self.experiment.run(self.cluster, values, live)
            said, bad = self._found(result), False
        except Stopped as stopped:
            self.failure, said, bad = stopped, "Stopped. The cluster is whole again.", False
        except LabsError as error:
            self.failure, said, bad = error, str(error), True
        except BaseException as error:
            self.failure, said, bad = error, f"This went wrong: {error!r}", True
        farewell.over()
        with self._lock:
            self._live = None
            ONE_AT_A_TIME.release()
            self._chart.remove_class("labs-stale")
            self._refresh()
            self._say(said, bad=bad)

    def _found(self, result: Result) -> str:
        """Keep and show a result; returns what to say of it."""
        reconciliation = self._reconciled(result)
        image = png(picture(result, more=_beside(self.experiment.ask, reconciliation, result)))
        finding = Finding(len(self.findings) + 1, result, image, reconciliation)
        self.findings.append(finding)
        self._show(finding)
        return " ".join(["Done.", *(j.words().partition(" (")[0] for j in result.judgements)])

    def _reconciled(self, result: Result) -> Reconciliation | None:
        ask, asked = self.experiment.ask, self.prediction
        measured = came_true(ask, result)
        if ask is None or asked is None or measured is None:
            return None
        if self._predicted_for is None:
            self._predicted_for = result.settings
        if asked.answer is None or dict(self._predicted_for) != dict(result.settings):
            spoken = asked.words(measured)
            return Reconciliation("", spoken, "", None)
        why = ask.why if isinstance(ask, Estimate) else ""
        if isinstance(ask, Options) and asked.answer != measured:
            why = ask.options[str(asked.answer)]
        return reconcile(asked, measured, why)

    def _show(self, finding: Finding) -> None:
        with self._lock:
            self._live = None  # a live picture that is being drawn comes too late
            self._draw(finding.png)
        words = told(finding.result, finding.reconciliation)
        self._verdict.value = f'<div class="labs-finding">{words}</div>'
        self._show_history()

    # -- the drawing thread --------------------------------------------------------------------

    def _draw(self, image: bytes) -> None:
        self._chart.value = image
        self._chart.remove_class("labs-stale")
        self._chart.layout.display = None

    def _paint(self, live: Live, run: threading.Thread) -> None:
        """Draw what the run shows, and tell what it says, until it ends."""
        misses, said = 0, ""
        while run.is_alive():
            began = time.monotonic()
            said = self._follow(live, said)
            try:
                self._frame(live)
                misses = 0
            except Exception as error:
                # A view may be asked for while what it is made of grows: the next will do.
                misses += 1
                if misses == MISSES:
                    self.failure = error
                    self._say(f"The live chart can't be drawn: {error!r}", bad=True)
                    return
            run.join(max(FRAME_S - (time.monotonic() - began), REST_S))

    def _follow(self, live: Live, told: str) -> str:
        """Pass on what the run says; returns it."""
        said = live.said
        with self._lock:
            if self._live is live:
                self._elapsed.value = _seconds(time.monotonic() - self._began)
                if said and said != told and not live.stopping:
                    self._say(f"{said[:1].upper()}{said[1:]} …")
        return said

    def _frame(self, live: Live) -> None:
        view = live.current_view()
        if view is None:
            return
        image = _PAINTER.paint(view)
        with self._lock:
            if self._live is live:  # else the finding stands there already
                self._draw(image)
                self.frames += 1

    # -- telling -------------------------------------------------------------------------------

    def _say(self, text: str, *, bad: bool = False, hook: str = "") -> None:
        role = "alert" if bad else "status"
        mark = "⚠ " if bad else ""
        self._status.value = (
            f'<div role="{role}" aria-live="polite" class="{hook}{" labs-bad" * bad}">'
            f"{mark}{escape(text)}</div>"
        )

    def _show_history(self) -> None:
        if len(self.findings) < 2:
            return
        names = differing([finding.result.settings for finding in self.findings])
        head = _wide(_history_row("run", "settings that differ", "verdict", "measured", head=True))
        boxes = [self._box_of(finding) for finding in self.findings]
        rows = [
            w.HBox([box, _wide(_told_in_a_row(finding, names))])
            for box, finding in zip(boxes, self.findings, strict=True)
        ]
        self._history.children = [w.HTML(_HISTORY_HEAD), w.HBox([_spacer(), head]), *rows]

    def _box_of(self, finding: Finding) -> w.Checkbox:
        box = w.Checkbox(
            value=finding.number in self._compared,
            indent=False,
            tooltip=f"Compare run {finding.number}",
            layout=w.Layout(width="28px", flex="0 0 28px"),
        )
        box.add_class(f"t-row-{finding.number}")
        box.observe(lambda change: self._compare(finding.number, change["new"]), "value")
        return box

    def _compare(self, number: int, chosen: bool) -> None:
        kept = [n for n in self._compared if n != number]
        self._compared = [*kept, number][-2:] if chosen else kept
        if chosen and len(kept) == 2:
            self._show_history()  # the oldest of three gives way
        shown = [self.findings[n - 1] for n in sorted(self._compared)]
        self._pair.children = [_captioned(f) for f in shown] if len(shown) == 2 else []


# --- when the kernel ends -------------------------------------------------------------------------


class _Farewell:
    """Has a run stopped, and its faults undone, when the kernel is shut down or restarted."""

    def __init__(self, cluster: Cluster, live: Live, threads: Sequence[threading.Thread]) -> None:
        self._cluster, self._live, self._threads = cluster, live, threads
        atexit.register(self._end)

    def _end(self) -> None:
        self._live.stop()
        deadline = time.monotonic() + FAREWELL_S
        for thread in self._threads:
            thread.join(max(0, deadline - time.monotonic()))
        status = self._cluster.status()
        if self._cluster.can_break and any(n.state is not State.RUNNING for n in status.nodes):
            mend_later(status.home)

    def over(self) -> None:
        """The run has ended by itself."""
        atexit.unregister(self._end)


def mend_later(home: str) -> None:
    """Have another process make the cluster whole: one that ends can start no thread any more."""
    subprocess.Popen(
        python.code(_MEND),
        env={**os.environ, "LABS_HOME": home},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


_MEND = "from labs.kafka.choose import chosen; chosen(hold=False).start()"


def _join(threads: Sequence[threading.Thread]) -> None:
    for thread in threads:
        while thread.is_alive():
            thread.join(0.1)  # a wait without limit could not be interrupted on every system


# --- predictions ----------------------------------------------------------------------------------


def _asked(experiment: Experiment) -> Prediction | None:
    ask, key = experiment.ask, experiment.name.replace(".", "-")
    if ask is None:
        return None
    if isinstance(ask, Options):
        return Prediction(ask.question, list(ask.options), key)
    number = quiz.Number(ask.unit, ask.low, ask.high, ask.step, ask.close)
    return Prediction(ask.question, number, key)


def came_true(ask: Ask | None, result: Result) -> str | float | None:
    """What could be predicted and came true; None: this run can't tell."""
    if ask is None or result.doubt:
        return None
    if isinstance(ask, Options):
        return ask.measured(result)
    value = result.measurements.get(ask.measured)
    return value if isinstance(value, int | float) else None


def _beside(
    ask: Ask | None, reconciliation: Reconciliation | None, result: Result
) -> tuple[View, ...]:
    """A predicted number drawn beside the measured one."""
    measured = came_true(ask, result)
    if not isinstance(ask, Estimate) or reconciliation is None or reconciliation.right is None:
        return ()
    if not isinstance(measured, int | float):
        return ()
    predicted = float(reconciliation.predicted.replace(",", "").split()[0])
    return (
        Bars(
            reconciliation.verdict,
            ("you predicted", "measured"),
            {ask.unit: (predicted, float(measured))},
            ask.unit,
        ),
    )


# --- controls -------------------------------------------------------------------------------------

_LABELLED = {"description_width": "190px"}


def _control(setting: Setting) -> w.Widget:
    unit = f" ({setting.unit})" if setting.unit else ""
    common = {
        "description": f"{setting.name}{unit}",
        "style": _LABELLED,
        "layout": w.Layout(width="100%"),
    }
    if isinstance(setting, Choice):
        control = _choice(setting, common)
    elif isinstance(setting, Switch):
        control = w.Checkbox(value=setting.default, **common)
    else:
        control = _slider(setting, common)
    control.tooltip = f"{setting.help} ({setting.allowed})"
    control.add_class(f"t-set-{setting.name}")
    return control


def _choice(setting: Choice, common: Mapping[str, Any]) -> w.Widget:
    few = len(setting.options) <= 5 and sum(map(len, setting.options)) <= 28
    if not few:
        return w.Dropdown(options=setting.options, value=setting.default, **common)
    style = {**_LABELLED, "button_width": "auto"}
    return w.ToggleButtons(
        options=setting.options, value=setting.default, **{**common, "style": style}
    )


def _slider(setting: Number, common: Mapping[str, Any]) -> w.Widget:
    kind = w.IntSlider if setting.whole else w.FloatSlider
    bounds = {"min": setting.low, "max": setting.high, "step": setting.step}
    if setting.whole:
        bounds = {name: int(value) for name, value in bounds.items()}
    form = "," if setting.whole else f",.{len(f'{setting.step:g}'.partition('.')[2])}f"
    return kind(value=setting.default, readout_format=form, **bounds, **common)


def _row(setting: Setting, control: w.Widget) -> w.HBox:
    left = w.HBox([control], layout=w.Layout(flex="0 0 500px", max_width="100%", overflow="hidden"))
    help_text = w.HTML(f'<div class="labs-help">{escape(setting.help)}</div>')
    help_text.layout.flex = "1 1 220px"
    row = w.HBox([left, help_text])
    row.add_class("labs-setting")
    return row


def _button(label: str, icon: str, style: str, hook: str, pressed: Any) -> w.Button:
    button = w.Button(description=label, icon=icon, button_style=style)
    button.layout = w.Layout(width="auto", flex="0 0 auto")
    button.add_class(hook)
    button.on_click(pressed)
    return button


def _html(hook: str) -> w.HTML:
    html = w.HTML()
    html.add_class(hook)
    return html


# --- the history ----------------------------------------------------------------------------------


def _told_in_a_row(finding: Finding, names: list[str]) -> str:
    result, counts = finding.result, finding.result.report.counts
    others = result.judgements[1:]
    settings = ", ".join(f"{name}={result.settings[name]}" for name in names) or "the same"
    bad = {"lost": counts.lost, "duplicated": counts.duplicated, "reordered": counts.reordered}
    verdict = f"{result.report.verdict}: {counts.acknowledged:,} of {counts.sent:,} acknowledged"
    verdict += "".join(f", {count:,} {kind}" for kind, count in bad.items() if count)
    verdict = "; ".join([f"log {verdict}", *(o.words().partition(".")[0] for o in others)])
    measured = "; ".join(f"{a} {b}" for a, b in main_measurements(result.measurements)[:3])
    return _history_row(str(finding.number), settings, verdict, measured)


def _history_row(*cells: str, head: bool = False) -> str:
    inner = "".join(f"<span>{escape(cell)}</span>" for cell in cells)
    return f'<div class="labs-run{" labs-head" * head}">{inner}</div>'


def _wide(html: str) -> w.HTML:
    return w.HTML(html, layout=w.Layout(flex="1 1 auto"))


def _spacer() -> w.HTML:
    return w.HTML(layout=w.Layout(width="28px", flex="0 0 28px"))


def _captioned(finding: Finding) -> w.VBox:
    settings = ", ".join(f"{name}={value}" for name, value in finding.result.settings.items())
    image = w.Image(value=finding.png, format="png", layout=w.Layout(width="900px"))
    image.layout.max_width = "100%"
    caption = f'<p class="labs-caption"><b>Run {finding.number}</b>: {escape(settings)}</p>'
    return w.VBox([w.HTML(caption), image])


def _seconds(seconds: float) -> str:
    return f'<span class="labs-seconds">{seconds:.1f} s</span>'


_HISTORY_HEAD = '<p class="labs-kind">Runs so far: tick two to compare them</p>'

_CSS = f"""<style>
.labs-panel {{ font-family: {FONT}; color: var(--jp-ui-font-color1, {INK}); padding: 10px 16px;
  border: 1px solid var(--jp-border-color1, {LINE}); border-left: 4px solid #009E73;
  border-radius: 6px; box-sizing: border-box; overflow: hidden; }}
.labs-panel p {{ margin: 2px 0; line-height: 1.5; white-space: normal; }}
.labs-panel .labs-kind {{ font-size: 12px; font-weight: 600; letter-spacing: .04em;
  color: var(--jp-ui-font-color2, {MUTED}); }}
.labs-panel .labs-question {{ font-size: 16px; font-weight: 600; }}
.labs-panel .labs-setting {{ align-items: center; flex-wrap: wrap; }}
.labs-panel .labs-help {{ font-size: 12px; color: var(--jp-ui-font-color2, {MUTED});
  white-space: normal; line-height: 1.3; padding-left: 10px; }}
.labs-panel .widget-toggle-buttons {{ display: flex; flex-flow: row nowrap; align-items: center; }}
.labs-panel .widget-toggle-buttons > .widget-label {{ width: 190px; min-width: 190px;
  text-align: right; margin-right: 8px; }}
.labs-panel .widget-toggle-buttons .mod-active {{ background: #0072B2; color: white; }}
.labs-panel .labs-answered .t-input, .labs-panel .labs-answered .t-lock,
.labs-panel .labs-answered .t-skip {{ display: none; }}
.labs-panel .labs-bar {{ align-items: center; gap: 6px; flex-wrap: wrap; margin: 6px 0; }}
.labs-panel .t-status {{ flex: 1 1 240px; font-size: 13px; }}
.labs-panel .t-status > div {{ white-space: normal; line-height: 1.4; }}
.labs-panel .labs-bad {{ color: var(--jp-error-color1, #A03C00); font-weight: 600; }}
.labs-panel .labs-seconds {{ font-variant-numeric: tabular-nums; font-size: 13px; }}
.labs-panel .t-elapsed {{ min-width: 52px; text-align: right; }}
.labs-panel .labs-stale {{ opacity: .35; }}
.labs-panel.labs-blocked .labs-setting {{ opacity: .5; }}
.labs-panel .labs-run {{ display: grid; grid-template-columns: 30px 2fr 3fr 4fr; gap: 10px;
  font-size: 13px; line-height: 1.4; white-space: normal; font-variant-numeric: tabular-nums; }}
.labs-panel .labs-head {{ font-weight: 600; }}
.labs-panel .labs-caption {{ font-size: 13px; }}
</style>"""
