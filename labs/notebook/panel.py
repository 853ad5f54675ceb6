"""One panel for any experiment: predict, set, run, look, compare.

>>> panel("acks.leader_crash")               # the last line of a cell shows it; it waits for Run
>>> panel("acks.leader_crash", acks="1")     # with other settings to begin with

Where nobody is there to press Run (`LABS_UNATTENDED=1`) it runs at once, and a picture of its run
stands in its place: so are notebooks tested and saved.

This file says what can be pressed, and when. Its parts: `asking.py` the prediction, `controls.py`
the settings, `job.py` the run in threads, `screen.py` what is seen of it, `runs.py` those so far.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import ipywidgets as w
from IPython.display import HTML, display

from labs.base import variables
from labs.base.errors import BadInput, LabsError
from labs.base.words import Words
from labs.chapters import find
from labs.charts import picture
from labs.charts.style import BLUE, FONT, GREEN, INK, LINE, MUTED, png
from labs.experiment.experiment import Experiment
from labs.experiment.live import Live
from labs.experiment.settings import Value, resolve
from labs.kafka.choose import connect
from labs.kafka.cluster import Cluster
from labs.notebook.asking import Askings
from labs.notebook.cells import NotHere
from labs.notebook.controls import Controls
from labs.notebook.finding import RESULT_MIME, Finding
from labs.notebook.job import PAINTER, Job
from labs.notebook.parts import button, html
from labs.notebook.prediction import Prediction
from labs.notebook.result_html import CSS as RESULT_CSS
from labs.notebook.result_html import told
from labs.notebook.runs import Runs
from labs.notebook.screen import Screen
from labs.notebook.still import question, still
from labs.workload.verdicts import summary

words = Words(__file__)


def panel(
    name: str | Experiment, /, *, cluster: Cluster | None = None, **settings: object
) -> Panel:
    """The panel of an experiment, for the last line of a cell; unattended, it runs at once.

    Args:
        name: `chapter.what`; `labs experiments` lists them.
        cluster: where to run; None connects to the learner's own.
        settings: values to begin with instead of the defaults.

    Raises:
        BadInput: there is no such experiment or setting, or a value is out of bounds.
        LabsError: what went wrong in an unattended run.
    """
    experiment = find(name) if isinstance(name, str) else name
    values = resolve(experiment.settings, settings)
    made = Panel(experiment, connect() if cluster is None else cluster, values)
    if variables.number(variables.UNATTENDED, 0, 0, 1):
        made.left = made.run()
    return made


class Panel:
    """The controls, the chart and the findings of one experiment.

    For browser tests it carries the classes `t-panel`, `t-run`, `t-stop`, `t-verdict`, `t-again`,
    `t-reason`, and those of its parts.
    """

    def __init__(
        self, experiment: Experiment, cluster: Cluster, settings: Mapping[str, Value]
    ) -> None:
        self.experiment, self.cluster = experiment, cluster
        self._askings = Askings(experiment)
        self._controls = Controls(experiment, settings)
        self._screen, self._runs = Screen(), Runs()
        self._job: Job | None = None
        #: What an unattended run left, to be shown in the place of buttons that nobody presses.
        self.left: Finding | NotHere | None = None
        self._build()
        PAINTER.start()

    # -- for the reader ------------------------------------------------------------------------

    @property
    def widget(self) -> w.Widget:
        """The panel itself, for layouts."""
        return self._box

    @property
    def settings(self) -> dict[str, Value]:
        """The values that the controls show."""
        return self._controls.values

    @property
    def prediction(self) -> Prediction | None:
        """The question asked before a run with the settings that the controls show."""
        return self._askings.now.prediction

    @property
    def findings(self) -> list[Finding]:
        """The runs so far."""
        return self._runs.findings

    @property
    def running(self) -> bool:
        """Whether this panel's experiment runs now."""
        return self._job is not None and self._job.running

    @property
    def failure(self) -> BaseException | None:
        """What went wrong in the last run."""
        return self._job.failure if self._job else None

    @property
    def frames(self) -> int:
        """How many live pictures the last run has drawn."""
        return self._screen.frames

    def predict(self, answer: str | float) -> None:
        """Answer the panel's question, as its buttons do.

        Raises:
            BadInput: it is none of the options, out of bounds, or nothing was asked.
        """
        if self.prediction is None:
            raise BadInput(words("panel.no_prediction", name=self.experiment.name))
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
        self._controls.show(values)
        if self._askings.now.unanswered:
            self.skip()
        try:
            self._start(values)
            self.wait()
        except KeyboardInterrupt:
            self.stop()
            self.wait()
            raise
        if self.failure is not None:
            raise self.failure
        return self.findings[-1]

    def stop(self) -> None:
        """Ask the run to end; it mends the cluster first."""
        if self._job is not None and self._job.running:
            self._stop.disabled = True
            self._job.stop()

    def wait(self) -> None:
        """Wait for the run; an interrupt stops it, and is passed on when the cluster is whole."""
        if self._job is not None:
            self._job.wait()

    def _ipython_display_(self) -> None:
        if self.left is None:
            display(self._repr_mimebundle_(), raw=True)
        else:
            display(HTML(self._still()))
            display(self.left)

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

    def _still(self) -> str:
        return still(self.experiment, self.settings, self.prediction)

    # -- what can be pressed -------------------------------------------------------------------

    def _build(self) -> None:
        self._run_button = button(
            words("panel.run"), "t-run", self._clicked_run, icon="play", style="primary"
        )
        self._stop = button(words("panel.stop"), "t-stop", self.stop, icon="stop")
        self._again = button(words("panel.again"), "t-again", self._clicked_again, icon="question")
        self._verdict, self._ask_box = html("t-verdict"), w.VBox()
        screen, runs = self._screen, self._runs
        bar = w.HBox([self._run_button, self._stop, screen.elapsed, screen.status, self._again])
        bar.add_class("labs-bar")
        parts = [w.HTML(RESULT_CSS + _CSS), w.HTML(question(self.experiment)), self._ask_box]
        parts += [self._controls.widget, bar, screen.chart, self._verdict]
        parts += [runs.history, runs.compared]
        self._box = w.VBox(parts, layout=w.Layout(max_width="924px"))
        self._box.add_class("t-panel")
        self._box.add_class("labs-panel")
        self._controls.on_change(self._changed)
        self._ask()

    def _ask(self) -> None:
        if self.prediction is not None:
            self.prediction.on_answer = partial(self._refresh, asked=True)
            self._ask_box.children = [self.prediction.widget]
        self._refresh(asked=True)

    def _changed(self) -> None:
        if self._askings.choose(self.settings):
            self._ask()

    def _refresh(self, asked: bool = False) -> None:
        """Enable what can be pressed now, and say why the rest can't.

        `asked`: the question is another one, or has just been answered.
        """
        blocked, running = self._blocked(), self.running
        unanswered = self._askings.now.unanswered
        answered = self.prediction is not None and not unanswered
        (self._ask_box.add_class if answered else self._ask_box.remove_class)("labs-answered")
        self._run_button.disabled = bool(blocked) or running or unanswered
        self._controls.enable(not running and not blocked)
        self._stop.disabled = not running
        done = answered and bool(self.findings) and not running
        self._again.layout.display = None if done else "none"
        if blocked:
            self._box.add_class("labs-blocked")
            self._screen.say(blocked, hook="t-reason")
        elif unanswered:
            self._screen.say(words(f"panel.predict.{'next' if self.findings else 'first'}"))
        elif not running and (asked or not self.findings):
            self._screen.say(words("panel.ready"))

    def _blocked(self) -> str:
        if self.experiment.breaks and not self.cluster.can_break:
            return words("panel.blocked")
        return ""

    # -- pressing ------------------------------------------------------------------------------

    def _clicked_run(self) -> None:
        # In whatever thread the kernel runs callbacks: say so at once, and do the work elsewhere.
        try:
            self._start(self.settings)
        except LabsError as error:
            self._screen.say(str(error), bad=True)

    def _clicked_again(self) -> None:
        self._askings.anew()
        self._ask()

    def _start(self, values: Mapping[str, Value]) -> None:
        if blocked := self._blocked():
            raise LabsError(blocked.rstrip("."))
        run = partial(self._find_out, values)
        self._verdict.value = ""
        self._job = Job(self.cluster, run, self._screen, self._refresh)
        self._job.start()

    def _find_out(self, values: Mapping[str, Value], live: Live) -> str:
        """Run, in the job's thread; keep and show what was found. Returns what to say of it."""
        result = self.experiment.run(self.cluster, values, live)
        asking = self._askings.now
        self._askings.tried(values)
        reconciliation = asking.reconciled(result)
        image = png(picture(result, more=asking.beside(reconciliation)))
        finding = Finding(len(self.findings) + 1, result, image, reconciliation)
        self._screen.last(image)
        self._verdict.value = f'<div class="labs-finding">{told(result, reconciliation)}</div>'
        self._runs.add(finding)
        return " ".join([words("panel.done"), *map(summary, result.judgements)])


_CSS = f"""<style>
.labs-panel {{ font-family: {FONT}; color: var(--jp-ui-font-color1, {INK}); padding: 10px 16px;
  border: 1px solid var(--jp-border-color1, {LINE}); border-left: 4px solid {GREEN};
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
.labs-panel .widget-toggle-buttons .mod-active {{ background: {BLUE}; color: white; }}
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
