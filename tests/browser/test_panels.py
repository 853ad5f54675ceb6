"""Panels of every chapter pressed in a real Chromium: predict, Run, look, Stop.

One is run and one is stopped in each chapter; all of them are run where `--every-panel` says so
(`make test-browser`).

A copy of the chapter with only its imports and panels is opened, so that the notebook itself stays
as it was saved. What was measured (click to feedback, pictures a second) is printed and kept among
the artefacts; it is not asserted, for it says more about the machine than about the panel.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from filelock import FileLock
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from labs.chapters import all_experiments, find
from labs.kafka.cluster import State
from labs.kafka.local import LocalCluster
from tests.browser.conftest import ARTEFACTS, Lab, notebook_of, shoot
from tests.course import Text, chapters
from tests.helpers import wait_until

pytestmark = pytest.mark.browser

RUN_TIMEOUT_MS = 300_000
#: A run that was all but over when it was to stop is done: so often Stop may come too late.
STOPS = 3
PANEL = re.compile(r'\bpanel\("([\w.]+)"')


def _panels(chapter: Text) -> list[str]:
    """The first cell of each experiment: its panel, as the chapter shows it."""
    cells: dict[str, str] = {}
    for cell in chapter.code:
        for name in PANEL.findall(cell.source):
            cells.setdefault(name, cell.source)
    return list(cells.values())


#: Those that have panels.
CHAPTERS = [chapter for chapter in chapters() if _panels(chapter)]
each_chapter = pytest.mark.parametrize(
    "opened", CHAPTERS, indirect=True, ids=lambda chapter: chapter.chapter
)

#: Press a panel's button; tells after how many ms its status spoke, and watches its pictures and
#: its clock, which is set before each picture is drawn: one like the last is not sent again.
PRESS = """([panel, hook]) => new Promise((tell) => {
    const began = performance.now();
    const told = panel.querySelector('.t-status');
    panel.pictures = [];
    panel.watch?.disconnect();
    panel.watch = new MutationObserver((changes) => {
        for (const change of changes)
            if (change.target.matches('img.t-chart, .t-chart img'))
                panel.pictures.push(performance.now());
    });
    panel.watch.observe(panel, {attributes: true, subtree: true, attributeFilter: ['src']});
    const clock = panel.querySelector('.t-elapsed');
    panel.ticks = [];
    panel.clock?.disconnect();
    panel.clock = new MutationObserver(() => {
        if (panel.shown === clock.textContent) return;
        panel.shown = clock.textContent;
        panel.ticks.push(performance.now());
    });
    panel.clock.observe(clock, {childList: true, subtree: true, characterData: true});
    const once = new MutationObserver(() => {
        once.disconnect();
        requestAnimationFrame(() => tell(performance.now() - began));
    });
    once.observe(told, {childList: true, subtree: true, characterData: true});
    panel.querySelector(hook).click();
})"""
DARK = """() => window.jupyterapp.commands.execute(
    'apputils:change-theme', {theme: 'JupyterLab Dark'})"""
PICTURES = "(panel) => [panel.pictures, panel.ticks]"


@dataclass(frozen=True)
class Seen:
    """What one run looked like from the browser's side."""

    panel: str
    feedback_ms: float
    new_pictures: int
    pictures_per_s: float
    run_s: float
    status: str


def test_each_experiment_has_a_panel_that_is_pressed() -> None:
    sources = "\n".join(source for chapter in CHAPTERS for source in _panels(chapter))
    pressed = set(PANEL.findall(sources))
    assert pressed == {experiment.name for experiment in all_experiments()}


@pytest.fixture
def opened(page: Page, lab: Lab, request: pytest.FixtureRequest) -> Iterator[Page]:
    """The chapter's first cell and its panels, each shown and none of them run."""
    chapter: Text = request.param
    sources = [chapter.code[0].source, *_panels(chapter)]
    with notebook_of(page, lab, f"panels_{chapter.chapter}", sources):
        yield page


@pytest.mark.timeout(1200)
@each_chapter
def test_panels_predict_run_tell_and_stop(
    opened: Page, cluster: LocalCluster, pytestconfig: pytest.Config
) -> None:
    panels = opened.locator(".t-panel")
    seen = []
    for number in range(panels.count() if pytestconfig.getoption("every_panel") else 1):
        seen.append(_press_run(opened, panels.nth(number)))
        assert _whole(cluster), f"{seen[-1].panel} left the cluster broken"
    _keep(seen)
    _press_stop(opened, cluster)


def _press_stop(opened: Page, cluster: LocalCluster) -> None:
    """Stop the chapter's most harmful panel in the middle of its run."""
    panel, breaks = _most_harmful(opened)
    name = _name(panel)
    if panel.locator(".t-skip").is_visible():  # it has not been run yet
        panel.locator(".t-skip").click()
    for _ in range(STOPS):
        panel.locator(".t-run").click()
        if breaks:
            wait_until(lambda: not _whole(cluster), f"{name} broke something")
        panel.locator(".t-stop").click()
        expect(panel.locator(".t-status")).to_contain_text("Stopp", timeout=5000)
        _in_view(panel.locator(".t-status"))
        shoot(opened, f"panel_{name}_stopping")
        over = re.compile(r"Stopped\.|Done\.")
        expect(panel.locator(".t-status")).to_contain_text(over, timeout=RUN_TIMEOUT_MS)
        assert _whole(cluster)
        if "Stopped." in _text(panel.locator(".t-status")):
            break
    expect(panel.locator(".t-status")).to_contain_text("Stopped.")
    expect(panel.locator(".t-run")).to_be_enabled()
    expect(panel.locator(".t-stop")).to_be_disabled()
    shoot(opened, f"panel_{name}_stopped")


def _most_harmful(page: Page) -> tuple[Locator, bool]:
    """The first panel that breaks something, or else the first; and whether it does."""
    panels = page.locator(".t-panel")
    for number in range(panels.count()):
        if find(_name(panels.nth(number))).breaks:
            return panels.nth(number), True
    return panels.first, False


@pytest.mark.timeout(400)
def test_two_runs_are_compared_in_light_and_dark(
    page: Page, lab: Lab, cluster: LocalCluster
) -> None:
    sources = [CHAPTERS[0].code[0].source, 'panel("producers.keys")', COCKPIT, RECORDS]
    with notebook_of(page, lab, "compared", sources):
        panel = page.locator(".t-panel")
        for number, option in enumerate(panel.locator(".t-set-key button").all()[:2], start=1):
            option.click()
            expect(panel.locator(".t-run")).to_be_disabled()  # it asks before each of them
            panel.locator(".t-skip").click()
            panel.locator(".t-run").click()
            expect(panel.locator(".t-status")).to_contain_text("Done.", timeout=RUN_TIMEOUT_MS)
            rows = panel.locator(".t-row-2")
            expect(rows).to_have_count(number - 1, timeout=RUN_TIMEOUT_MS)
        for number in (1, 2):
            panel.locator(f".t-row-{number} input").check()
        expect(panel.locator(".t-compared img")).to_have_count(2)
        assert min(_grounds(page, "light").values()) > 240
        page.evaluate(DARK)
        page.wait_for_timeout(1500)
        dark = _grounds(page, "dark")
        assert max(dark.values()) < 40
        assert min(dark.values()) > 10, "not blacker than the page"


COCKPIT = "from labs import cockpit\ncockpit(cluster)"
RECORDS = 'from labs import records, show\nshow(records.by_partition({"항공": {1: 2}}))'
PICTURES_OF = {
    "panel": ".t-panel > img.t-chart, .t-panel > .t-chart img",
    "compared": ".t-compared img",
    "cockpit": ".t-picture svg",
    "records": ".jp-RenderedImage img",
}


def _grounds(page: Page, theme: str) -> dict[str, float]:
    """How light the ground of each kind of picture is, 0 to 255; each is kept as an artefact."""
    found = {}
    for what, place in PICTURES_OF.items():
        picture = page.locator(place).first
        _in_view(picture)
        path = ARTEFACTS / f"picture_{what}_{theme}.png"
        picture.screenshot(path=path)
        shoot(page, f"page_{what}_{theme}")
        pixels = np.asarray(Image.open(path).convert("L"))
        found[what] = float(np.median(pixels))
    return found


def _press_run(page: Page, panel: Locator) -> Seen:
    name = _name(panel)
    run, status = panel.locator(".t-run"), panel.locator(".t-status")
    panel.scroll_into_view_if_needed()
    expect(run).to_be_disabled()
    _predict(panel)
    expect(run).to_be_enabled()
    shoot(page, f"panel_{name}_1_predicted")
    handle = panel.element_handle()
    began = time.monotonic()
    feedback = page.evaluate(PRESS, [handle, ".t-run"])
    expect(run).to_be_disabled()
    expect(panel.locator(".t-chart")).to_be_visible(timeout=RUN_TIMEOUT_MS)
    page.wait_for_timeout(1500)
    _in_view(panel.locator(".t-chart"))
    shoot(page, f"panel_{name}_2_running")
    expect(status).to_contain_text("Done.", timeout=RUN_TIMEOUT_MS)
    took = time.monotonic() - began
    expect(panel.locator(".t-verdict .labs-said").first).to_be_visible()
    panel.screenshot(path=ARTEFACTS / f"panel_{name}_3_done.png")
    pictures, ticks = page.evaluate(PICTURES, handle)
    assert len(pictures) >= 2, "the live chart stood still"
    rate = _rate(ticks, pictures[0], pictures[-2])  # the last picture is the finding
    return Seen(name, round(feedback), len(pictures), rate, round(took, 1), _text(status))


def _predict(panel: Locator) -> None:
    option = panel.locator(".t-input input[type=radio]")
    if option.count():
        option.first.check()
    if panel.locator(".t-lock").count():
        panel.locator(".t-lock").click()


def _rate(ticks: list[float], first: float, last: float) -> float:
    """Pictures drawn a second from the first new one to the last."""
    drawn = [tick for tick in ticks if first <= tick <= last]
    span = (drawn[-1] - drawn[0]) / 1000 if len(drawn) > 1 else 0
    return round((len(drawn) - 1) / span, 1) if span else 0.0


def _in_view(element: Locator) -> None:
    element.evaluate("(e) => e.scrollIntoView({block: 'center'})")


def _name(panel: Locator) -> str:
    return _text(panel.locator(".labs-kind code").first)


def _text(element: Locator) -> str:
    return (element.text_content() or "").strip()


def _whole(cluster: LocalCluster) -> bool:
    return {node.state for node in cluster.status().nodes} == {State.RUNNING}


def _keep(seen: list[Seen]) -> None:
    path: Path = ARTEFACTS / "panels.json"
    with FileLock(ARTEFACTS / "panels.lock"):  # two chapters are tested at a time
        known: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
        known |= {one.panel: asdict(one) for one in seen}
        path.write_text(json.dumps(known, indent=1))
    for one in seen:
        print(
            f"{one.panel}: {one.feedback_ms} ms to the first feedback, "
            f"{one.pictures_per_s} pictures/s, {one.run_s} s"
        )
