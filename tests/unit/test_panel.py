"""The panel: predict, run, look, compare, stop, fail. Experiment and cluster are small models."""

from __future__ import annotations

import atexit
import json
import re
import threading
import time
from _thread import interrupt_main
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import ipywidgets as w
import pytest
from IPython.core.interactiveshell import InteractiveShell

from labs.base.errors import BadInput, LabsError
from labs.base.variables import UNATTENDED
from labs.base.words import Words
from labs.charts.painter import Unpainted
from labs.experiment.experiment import Experiment
from labs.experiment.live import Live, Stopped
from labs.experiment.prediction import Ask, Estimate, Options
from labs.experiment.result import Result
from labs.experiment.settings import Choice, Number, Switch, resolve
from labs.experiment.views import Bars
from labs.kafka.cluster import State
from labs.learner.notes import notes
from labs.learner.tally import by_chapter
from labs.notebook import farewell, job
from labs.notebook.called import Called
from labs.notebook.finding import RESULT_MIME, Finding
from labs.notebook.panel import Panel, panel
from labs.notebook.result_html import main_measurements, told
from labs.notebook.screen import Screen
from labs.workload import verdicts
from labs.workload.judgements import VALID, VIOLATED, Counts, Offender, Report
from tests.model_cluster import ModelCluster
from tests.said import like, said
from tests.widgets import find, hooks, hooks_in

SETTINGS = (
    Choice("acks", ("0", "1", "all"), "1"),
    Number("rate", 10, 500, 100, "records/s", 10),
    Number("share", 0.0, 1.0, 0.5, "", 0.05),
    Switch("idempotence", False),
)
CRASH = Options(("none", "some"), lambda result: "some" if result.report.counts.lost else "none")
STALL = Estimate("ms", 0, 10_000, "stall_ms")
WORDS = Words(__file__)
#: What the model asks, and of whom it wants a prediction.
ASKED = (WORDS("model.question"), WORDS("model.predict"))
LONG_S = 20.0


def ran(one: Panel, **settings: object) -> Finding:
    """A run that was one: not the reason why there was none."""
    finding = one.run(**settings)
    assert isinstance(finding, Finding)
    return finding


class ModelExperiment(Experiment):
    """An experiment without Kafka: `deed` is done with settings and live, and gives the counts."""

    def run(
        self, cluster: Any, settings: Mapping[str, object] | None = None, live: Live | None = None
    ) -> Result:
        live = live or Live()
        values = resolve(self.settings, settings or {})
        live.said = "sending while all is well"
        live.view = Bars("So far", ["sent"], {"records": [1]}, "records")
        deed: Any = self.body
        counts, measured = deed(values, live)
        bad = counts.lost > 0
        offender = Offender("lost", 83, "UA", 0, 83, 1, "the log ends at offset 83")
        report = Report(VIOLATED if bad else VALID, counts, (offender,) if bad else ())
        views = (Bars("In the end", ["sent"], {"records": [counts.sent]}, "records"),)
        conclusion = f"{counts.lost} are gone"
        circumstances = {"cores_shared": 2, "load_average_1min": 0.5}
        found = {**measured, **circumstances}
        return Result(self.name, values, report, "t-1", [], 1.5, found, views, conclusion)


def crash(values: Mapping[str, Any], live: Live) -> tuple[Counts, dict[str, Any]]:
    lost = 40 if values["acks"] == "1" else 0
    return Counts(100, 100, 0, 0, 100 - lost, lost), {"stall_ms": 4200.0, "who": "broker 2"}


def long(values: Mapping[str, Any], live: Live) -> tuple[Counts, dict[str, Any]]:
    live.sleep(LONG_S)
    return crash(values, live)


Deed = Callable[[Mapping[str, Any], Live], tuple[Counts, dict[str, Any]]]
Make = Callable[..., Panel]


@pytest.fixture
def make() -> Iterator[Make]:
    made: list[Panel] = []

    def make(deed: Deed = crash, ask: Ask | None = CRASH, **settings: object) -> Panel:
        body: Any = deed
        name = "acks.stall" if isinstance(ask, Estimate) else "acks.model"
        experiment = ModelExperiment(name, WORDS, SETTINGS, body, ask)
        cluster: Any = ModelCluster()
        made.append(panel(experiment, cluster=cluster, **settings))
        return made[-1]

    yield make
    for one in made:
        one.stop()
        one.wait()
    assert job.ONE_AT_A_TIME.acquire(blocking=False), "a run has not given way to the next"
    job.ONE_AT_A_TIME.release()


def words(html: str) -> str:
    return unescape(re.sub("<[^>]+>", " ", html))


def status(one: Panel) -> str:
    return words(find(one.widget, "t-status").value).strip()


def wait(until: Callable[[], Any], what: str, seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < deadline, what
        time.sleep(0.005)


# --- what it is made of ---------------------------------------------------------------------------


def test_controls_are_made_from_the_settings(make: Make) -> None:
    one = make(rate=200)
    assert one.settings == {"acks": "1", "rate": 200, "share": 0.5, "idempotence": False}
    kinds = [type(find(one.widget, f"t-set-{s.name}")).__name__ for s in SETTINGS]
    assert kinds == ["ToggleButtons", "IntSlider", "FloatSlider", "Checkbox"]
    rate = find(one.widget, "t-set-rate")
    assert (rate.min, rate.max, rate.step) == (10, 500, 10)
    assert "records/s" in rate.description
    assert WORDS("help.rate") in rate.tooltip


def test_many_options_become_a_list(make: Make) -> None:
    many = Choice("codec", tuple(f"a long option {i}" for i in range(6)), "a long option 3")
    body: Any = crash
    cluster: Any = ModelCluster()
    one = panel(ModelExperiment("acks.many", WORDS, (many,), body), cluster=cluster)
    assert isinstance(find(one.widget, "t-set-codec"), w.Dropdown)


def test_the_hooks_of_the_browser_tests_are_there(make: Make) -> None:
    wanted = {"t-panel", "t-run", "t-stop", "t-status", "t-elapsed", "t-chart", "t-verdict"}
    wanted |= {"t-history", "t-set-acks", "t-input", "t-lock", "t-skip", "t-again"}
    assert wanted <= hooks_in(make().widget)


def test_unknown_names_and_values_are_refused_with_what_is_allowed(make: Make) -> None:
    with pytest.raises(BadInput, match=r"acks\.leader_crash"):
        panel("acks.nothing")
    with pytest.raises(BadInput, match="rate, share"):
        make(speed=3)
    with pytest.raises(BadInput, match=r"10.*500"):
        make(rate=9)
    one = make()
    with pytest.raises(BadInput, match="0, 1, all"):
        one.run(acks="2")
    assert not one.running


# --- predictions ----------------------------------------------------------------------------------


def test_run_can_be_pressed_only_after_predicting_or_skipping(make: Make) -> None:
    one, other = make(), make()
    assert find(one.widget, "t-run").disabled
    assert status(one) == said("notebook", "panel.predict.first")
    one.predict("none")
    other.skip()
    assert not find(one.widget, "t-run").disabled
    assert not find(other.widget, "t-run").disabled
    assert status(one) == said("notebook", "panel.ready")


def test_a_panel_without_a_question_is_ready_at_once(make: Make) -> None:
    one = make(ask=None)
    assert not find(one.widget, "t-run").disabled
    with pytest.raises(BadInput, match=like("notebook", "panel.no_prediction")):
        one.predict("none")


def compared(finding: Finding) -> tuple[object, object, bool | None]:
    told = finding.reconciliation
    assert told is not None
    return told.predicted, told.measured, told.right


def test_a_wrong_prediction_is_told_with_the_sentence_that_corrects_it(make: Make) -> None:
    one = make()
    one.predict("none")
    finding = ran(one)
    assert compared(finding) == ("none", "some", False)
    told = words(finding.html)
    for sentence in ("options.none", "options.some", "why.none"):
        assert WORDS(f"model.{sentence}") in told


def test_a_right_prediction_is_told_too(make: Make) -> None:
    one = make()
    one.predict("some")
    finding = ran(one)
    assert compared(finding) == ("some", "some", True)
    assert WORDS("model.options.some") in words(finding.html)
    assert WORDS("model.why.some") not in words(finding.html)


def test_without_a_prediction_the_answer_is_told_all_the_same(make: Make) -> None:
    one = make()
    finding = ran(one)
    assert compared(finding) == (None, "some", None)
    assert WORDS("model.options.some") in words(finding.html)
    assert one.prediction is not None
    assert one.prediction.skipped


def test_a_predicted_number_stands_beside_the_measured_one(make: Make) -> None:
    one = make(ask=STALL)
    one.predict(9000)
    finding = ran(one)
    assert compared(finding) == (9000, 4200, False)
    told = words(finding.html)
    assert "9,000 ms" in told and "4,200 ms" in told
    assert WORDS("stall.why") in told
    alone = ran(make(ask=STALL))
    assert _height(finding.png) > _height(alone.png) + 50, "the prediction is drawn, too"


def _height(image: bytes) -> int:
    return int.from_bytes(image[20:24], "big")


def test_a_run_that_cannot_tell_says_nothing_of_the_prediction(make: Make) -> None:
    unmeasured = Estimate("ms", 0, 10, "no_such_ms")
    one = make(ask=unmeasured)
    one.predict(3)
    assert ran(one).reconciliation is None


def test_a_prediction_is_for_the_settings_it_was_first_tried_with(make: Make) -> None:
    one = make()
    one.predict("none")
    assert one.run(acks="1").reconciliation.right is False  # type: ignore[union-attr]
    assert one.run(acks="all").reconciliation.right is None  # type: ignore[union-attr]
    assert one.run(acks="1").reconciliation.right is False  # type: ignore[union-attr]
    find(one.widget, "t-again").click()
    assert find(one.widget, "t-run").disabled
    one.predict("none")
    assert one.run(acks="all").reconciliation.right is True  # type: ignore[union-attr]


def test_other_settings_are_asked_about_anew_and_the_same_ones_are_not(make: Make) -> None:
    one = make()
    acks, run, again = (find(one.widget, hook) for hook in ("t-set-acks", "t-run", "t-again"))
    one.predict("none")
    ran(one)
    assert not run.disabled, "the same settings: its answer is known"
    acks.value = "all"
    assert run.disabled and again.layout.display == "none"
    assert status(one) == said("notebook", "panel.predict.next")
    assert not find(one.widget, "t-lock").disabled, "nothing is answered yet"
    acks.value = "1"
    assert not run.disabled and again.layout.display is None
    assert status(one) == said("notebook", "panel.ready")
    assert one.prediction is not None and one.prediction.answer == "none"
    acks.value = "all"
    one.predict("some")
    assert not run.disabled
    acks.value = "0"
    assert not run.disabled, "until it is tried, an answer is for the next run"
    assert compared(ran(one)) == ("some", "none", False)
    acks.value = "all"
    assert run.disabled
    one.skip()
    assert compared(ran(one)) == (None, "none", None)
    assert not run.disabled


def test_each_question_that_was_answered_counts_once(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LABS_WORK", str(tmp_path))
    one = make()
    for acks, predicted in (("1", "none"), ("all", "none"), ("1", None), ("0", None)):
        find(one.widget, "t-set-acks").value = acks
        if predicted:
            one.predict(predicted)
        ran(one)
    tally = by_chapter(notes(), lambda name: name)["acks.model"]
    assert len(tally.predictions) == 2
    assert len(tally.contradicted) == 1


# --- running --------------------------------------------------------------------------------------


def test_run_returns_the_finding_and_shows_it(make: Make) -> None:
    one = make()
    finding = ran(one, acks="1", rate=50)
    assert isinstance(finding, Finding)
    assert finding.result.settings["rate"] == 50
    assert one.settings["rate"] == 50, "the controls show what was run"
    assert find(one.widget, "t-chart").value == finding.png
    assert find(one.widget, "t-chart").layout.display is None
    shown = words(find(one.widget, "t-verdict").value)
    assert verdicts.title(finding.result.report) in shown
    assert "40 are gone" in shown
    by = said("notebook", "result.broker", broker=1)
    for proof in ("83", "UA", by, "the log ends at offset 83", "stall", "4,200 ms"):
        assert proof in shown
    assert said("notebook", "result.cores", cores=2) in shown
    assert said("notebook", "result.load", load=0.5) in shown
    assert status(one).endswith(verdicts.summary(finding.result.report))
    assert not find(one.widget, "t-run").disabled
    assert find(one.widget, "t-stop").disabled


def test_settings_not_given_stay_as_the_controls_show_them(make: Make) -> None:
    one = make()
    find(one.widget, "t-set-rate").value = 300
    assert ran(one, acks="all").result.settings["rate"] == 300


def test_the_button_runs_in_the_background_and_says_so_at_once(make: Make) -> None:
    one = make(long)
    one.skip()
    began = time.monotonic()
    find(one.widget, "t-run").click()
    assert time.monotonic() - began < 0.2
    assert status(one) in (said("notebook", "screen.starting"), "Sending while all is well …")
    assert one.running
    assert find(one.widget, "t-run").disabled
    assert find(one.widget, "t-set-acks").disabled
    assert not find(one.widget, "t-stop").disabled
    wait(lambda: "Sending while all is well" in status(one), "what the run says is passed on")
    wait(lambda: one.frames >= 2, "pictures are drawn while it runs")
    assert re.search(r"\d\.\d s", find(one.widget, "t-elapsed").value)


def test_stop_ends_the_run_and_leaves_the_panel_ready(make: Make) -> None:
    one = make(long)
    one.skip()
    find(one.widget, "t-run").click()
    wait(lambda: one.frames >= 1, "it runs")
    seen: list[str] = []
    find(one.widget, "t-status").observe(lambda change: seen.append(change["new"]), "value")
    find(one.widget, "t-stop").click()
    one.wait()
    assert said("notebook", "screen.stopping") in seen[0]
    assert isinstance(one.failure, Stopped)
    assert status(one) == said("notebook", "job.stopped")
    assert not find(one.widget, "t-run").disabled
    assert not find(one.widget, "t-set-acks").disabled
    assert one.findings == []


def test_a_cell_whose_run_was_stopped_says_so_in_one_sentence(
    make: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    one = make(long)
    shell: Any = InteractiveShell()
    shell.push({"one": one})
    threading.Timer(0.5, find(one.widget, "t-stop").click).start()
    outcome = shell.run_cell("one.run()")
    assert isinstance(outcome.error_in_exec, Stopped)
    printed = "".join(capsys.readouterr())
    assert f"Stopped: {said('experiment', 'stopped')}" in printed
    assert "Traceback" not in printed


def test_a_failure_is_a_sentence_in_the_panel_and_is_raised_from_code(make: Make) -> None:
    def fails(values: Mapping[str, Any], live: Live) -> tuple[Counts, dict[str, Any]]:
        raise LabsError("broker 2 did not come back", hint="labs logs 2")

    one = make(fails)
    with pytest.raises(LabsError, match="did not come back"):
        one.run()
    assert "broker 2 did not come back" in status(one)
    assert "labs-bad" in find(one.widget, "t-status").value
    assert not find(one.widget, "t-run").disabled
    find(one.widget, "t-run").click()
    one.wait()
    assert isinstance(one.failure, LabsError)


def test_a_bug_is_told_and_raised_too(make: Make) -> None:
    def fails(values: Mapping[str, Any], live: Live) -> tuple[Counts, dict[str, Any]]:
        raise ZeroDivisionError("a bug")

    one = make(fails)
    with pytest.raises(ZeroDivisionError):
        one.run()
    assert "a bug" in status(one)


def test_a_picture_that_cannot_be_drawn_fails_the_run(make: Make) -> None:
    def odd(values: Mapping[str, Any], live: Live) -> tuple[Counts, dict[str, Any]]:
        live.view = 3  # type: ignore[assignment]
        time.sleep(job.MISSES * job.FRAME_S + 1)
        return crash(values, live)

    with pytest.raises(Unpainted, match="draw int"):
        make(odd).run()


def test_one_picture_missed_is_no_failure(make: Make) -> None:
    asked: list[int] = []

    def view() -> Bars:
        asked.append(1)
        if len(asked) == 1:
            raise RuntimeError("dictionary changed size during iteration")
        return Bars("", ["sent"], {"records": [1]}, "records")

    def grows(values: Mapping[str, Any], live: Live) -> tuple[Counts, dict[str, Any]]:
        live.view = view
        wait(lambda: len(asked) > 2, "drawn again")
        return crash(values, live)

    make(grows).run()


def test_only_one_experiment_runs_at_a_time(make: Make) -> None:
    one, other = make(long), make()
    one.skip()
    other.skip()
    find(one.widget, "t-run").click()
    find(other.widget, "t-run").click()
    assert said("notebook", "job.busy") in status(other)
    assert not other.running
    with pytest.raises(LabsError, match=like("notebook", "job.busy")):
        other.run()
    one.stop()
    one.wait()
    other.run()


def test_an_interrupt_stops_the_run_and_is_passed_on(
    make: Make,
) -> None:
    def interrupted(values: Mapping[str, Any], live: Live) -> tuple[Counts, dict[str, Any]]:
        interrupt_main()
        return long(values, live)

    one = make(interrupted)
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        one.run()
    assert time.monotonic() - began < LONG_S
    assert isinstance(one.failure, Stopped)
    assert not one.running


def test_an_interrupt_before_anything_runs_leaves_nothing_begun(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = make(long)
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(Screen, "begin", Mock(side_effect=KeyboardInterrupt))
        one.run()
    assert not one.running
    ran(make())  # nothing else is kept from running


@pytest.mark.parametrize("state", [State.RUNNING, State.PAUSED])
def test_a_kernel_that_ends_stops_the_run_and_has_the_cluster_mended(
    make: Make, monkeypatch: pytest.MonkeyPatch, state: State
) -> None:
    mended: list[str] = []
    monkeypatch.setattr(farewell, "mend_later", mended.append)
    at_exit: list[Callable[[], None]] = []
    monkeypatch.setattr(atexit, "register", at_exit.append)
    one = make(long)
    monkeypatch.setattr(one.cluster, "states", {1: state})
    one.skip()
    find(one.widget, "t-run").click()
    wait(lambda: one.frames >= 1, "it runs")
    (end_of_kernel,) = at_exit
    end_of_kernel()
    assert isinstance(one.failure, Stopped)
    assert not one.running
    assert mended == ([] if state is State.RUNNING else ["/nowhere"])


def test_what_cannot_be_broken_here_is_greyed_out_with_the_reason(make: Make) -> None:
    class Elsewhere(ModelCluster):
        can_break = False

    cluster: Any = Elsewhere()
    one = Panel(make().experiment, cluster, resolve(SETTINGS, {}))
    one.skip()
    assert find(one.widget, "t-run").disabled
    assert all(find(one.widget, f"t-set-{s.name}").disabled for s in SETTINGS)
    assert status(one) == said("notebook", "panel.blocked")
    assert "labs-blocked" in hooks(one.widget)
    assert str(one.run()) == said("notebook", "panel.blocked")
    assert not one.findings


# --- the history ----------------------------------------------------------------------------------


def test_every_run_is_kept_with_the_settings_that_differ(make: Make) -> None:
    one = make()
    one.run(acks="1")
    assert find(one.widget, "t-history").children == ()
    one.run(acks="all")
    rows = [words(row.children[1].value) for row in find(one.widget, "t-history").children[1:]]
    assert [row.split()[0] for row in rows] == [said("notebook", "runs.head.run"), "1", "2"]
    assert "acks=1" in rows[1]
    first, second = (finding.result.report for finding in one.findings)
    assert verdicts.summary(first) in rows[1]
    assert "acks=all" in rows[2]
    assert verdicts.title(second) in rows[2]
    assert verdicts.found(second) not in rows[2]
    assert "stall 4,200 ms" in rows[2]
    assert "rate" not in rows[1]


def test_two_runs_ticked_are_shown_together_and_a_third_takes_the_oldest_place(make: Make) -> None:
    one = make()
    findings = [ran(one, acks=acks) for acks in ("1", "all", "0")]
    for number in (1, 2):
        _box(one, number).value = True
    pictures = [
        captioned.children[1].value for captioned in find(one.widget, "t-compared").children
    ]
    assert pictures == [findings[0].png, findings[1].png]
    assert "acks=1" in find(one.widget, "t-compared").children[0].children[0].value
    _box(one, 3).value = True
    assert [_box(one, number).value for number in (1, 2, 3)] == [False, True, True]
    _box(one, 2).value = False
    assert find(one.widget, "t-compared").children == ()


def _box(one: Panel, number: int) -> w.Checkbox:
    box: w.Checkbox = find(one.widget, f"t-row-{number}")
    return box


# --- on a page ------------------------------------------------------------------------------------


def test_before_a_run_a_page_without_a_kernel_shows_what_can_be_asked(make: Make) -> None:
    bundle = make()._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert "image/png" not in bundle
    shown = words(bundle["text/html"])
    for part in (*ASKED, "none", "rate=100", "100 records/s"):
        assert part in shown


def test_after_a_run_it_shows_picture_and_words(make: Make) -> None:
    one = make()
    finding = ran(one)
    bundle = one._repr_mimebundle_()
    assert bundle["image/png"] == finding.png
    assert "data:image/png;base64," in bundle["text/html"]
    assert "40 are gone" in words(bundle["text/html"])
    assert finding.result.words() in bundle["text/plain"]
    assert bundle[RESULT_MIME] == finding.result.figures()


Shown = list[tuple[Any, bool]]


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Shown:
    """What a cell shows: the thing, and whether it is a bundle of types."""
    shown: Shown = []

    def display(one: Any, raw: bool = False) -> None:
        found = getattr(one, "_ipython_display_", None)
        shown.append((one, raw)) if found is None else found()

    for room in ("panel", "finding"):
        monkeypatch.setattr(f"labs.notebook.{room}.display", display)
    return shown


def test_with_a_learner_a_panel_waits(make: Make, shown: Shown) -> None:
    one = make()
    one._ipython_display_()
    assert not one.findings
    ((bundle, raw),) = shown
    assert raw
    assert "application/vnd.jupyter.widget-view+json" in bundle


def test_without_a_learner_it_runs_itself_and_leaves_a_picture_of_its_run(
    make: Make, shown: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(UNATTENDED, "1")
    one = make(acks="all")
    (finding,) = one.findings
    assert finding.result.settings["acks"] == "all"
    one._ipython_display_()
    (asked, _), (picture, _), (told, _) = shown
    for part in (*ASKED, "acks=all", said("notebook", "still.panel")):
        assert part in words(asked.data)
    assert picture.data == finding.png, "drawn once"
    assert told[RESULT_MIME] == finding.result.figures()
    views = [one for one, raw in shown if raw and "application/vnd.jupyter.widget-view" in str(one)]
    assert not views, "a page without a kernel would say that the widget is missing"


def test_what_goes_wrong_without_a_learner_fails_the_cell(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(values: Mapping[str, Any], live: Live) -> tuple[Counts, dict[str, Any]]:
        raise LabsError("broker 2 did not come back")

    monkeypatch.setenv(UNATTENDED, "1")
    with pytest.raises(LabsError, match="did not come back"):
        make(fails)
    monkeypatch.setenv(UNATTENDED, "yes")
    with pytest.raises(BadInput, match=UNATTENDED):
        make()


def test_a_finding_is_two_outputs_so_that_every_page_shows_both(make: Make, shown: Shown) -> None:
    ran(make())._ipython_display_()
    (picture, _), (told, raw) = shown
    assert raw
    assert picture.data.startswith(b"\x89PNG")
    assert "40 are gone" in words(told["text/html"])
    carried = json.loads(json.dumps(told[RESULT_MIME]))  # a notebook is JSON
    assert carried["experiment"] == "acks.model"
    assert carried["settings"] == {"acks": "1", "rate": 100, "share": 0.5, "idempotence": False}
    assert carried["counts"]["lost"] == 40
    assert not {"offenders", "bootstrap"} & set(carried)


def test_what_the_run_says_is_escaped(make: Make) -> None:
    def odd(values: Mapping[str, Any], live: Live) -> tuple[Counts, dict[str, Any]]:
        return Counts(1, 1, 0, 0, 1), {"key": "<script>"}

    assert "<script>" not in ran(make(odd)).html


def test_only_the_measurements_of_which_the_chapter_speaks_are_unfolded(make: Make) -> None:
    result = ran(make()).result
    shown, _, folded = told(replace(result, about=("stall_ms",))).partition("<details")
    assert "4,200 ms" in shown and "broker 2" not in shown
    assert f"{said('notebook', 'result.also_measured')} (1)" in folded
    assert "broker 2" in folded and "4,200" not in folded
    shown, _, folded = told(result).partition("<details")
    assert said("notebook", "result.measured") not in shown
    assert "4,200 ms" in folded and "broker 2" in folded


MORE = """
[measured]
stall_ms = "not this one"
who = "whose"

[values.acks]
all = "every replica of the ISR"

[model.measured]
stall_ms = "how long it stood"

[model.values.who]
nobody = "no broker at all"
"""


def test_ids_are_shown_by_their_sentences_where_there_are_any(tmp_path: Path) -> None:
    english = Path(__file__).with_name("en.toml").read_text("utf-8")
    (tmp_path / "en.toml").write_text(english + MORE, "utf-8")
    by = Called(words_there := Words(str(tmp_path / "any.py")), "model")
    measured: dict[str, Any] = {"stall_ms": 4200.4, "who": "nobody", "rate_records_per_s": 1}
    assert main_measurements(measured, by) == [
        (words_there("model.measured.stall_ms"), "4,200 ms"),
        (words_there("measured.who"), words_there("model.values.who.nobody")),
        ("rate", "1 records/s"),
    ]
    assert by.value("who", "broker 2") == "broker 2"
    experiment = ModelExperiment("acks.model", words_there, SETTINGS, crash, CRASH)  # type: ignore[arg-type]
    one = panel(experiment, cluster=ModelCluster(), acks="all")  # type: ignore[arg-type]
    acks = find(one.widget, "t-set-acks")
    assert acks.options == (("0", "0"), ("1", "1"), (words_there("values.acks.all"), "all"))
    assert one.settings["acks"] == acks.value == "all", "the value itself is what it was"


def test_measurements_are_told_with_their_units() -> None:
    measured: dict[str, Any] = {
        "stall_ms": 4200.4,
        "rate_records_per_s": 15000,
        "who": "broker 2",
        "p99_ms": None,
    }
    assert main_measurements({**measured, "cores_shared": 2}) == [
        ("stall", "4,200 ms"),
        ("rate", "15,000 records/s"),
        ("who", "broker 2"),
        ("p99", "—"),
    ]
