"""The first five minutes, as a learner has them: JupyterLab, all cells, the Kill button."""

from __future__ import annotations

import re
import time

import pytest
from playwright.sync_api import Page, expect

from labs.kafka.cluster import State
from labs.kafka.local import LocalCluster
from labs.observe.observer import snapshot
from labs.observe.snapshot import Partition
from tests.browser.conftest import Lab, run_all, shoot

pytestmark = pytest.mark.browser


@pytest.mark.timeout(300)
def test_all_cells_run_and_the_kill_button_kills(
    page: Page, lab: Lab, cluster: LocalCluster
) -> None:
    run_all(page, lab.address("notebooks/00_start_here.ipynb"))

    assert "Jupyter news" not in (page.locator("body").text_content() or ""), "nobody is asked"

    cockpit = page.locator(".t-cockpit").last
    cockpit.scroll_into_view_if_needed()
    expect(cockpit).to_be_visible()
    shoot(page, "00_all_cells_run")

    led = snapshot(cluster, "hello").partition("hello")
    assert led is not None and led.leader is not None
    victim, epoch = led.leader, led.epoch
    cockpit.locator(f".t-kill-{victim}").click()
    expect(cockpit.locator(".t-status")).to_contain_text(f"roker {victim}", timeout=2000)
    shoot(page, "00_just_killed")

    states = {node.id: node.state for node in cluster.status().nodes}
    assert states[victim] is State.KILLED
    assert [i for i, state in states.items() if state is not State.RUNNING] == [victim]
    moved = _wait_for_new_leader(cluster, victim)
    assert moved.epoch > epoch
    told = rf"broker {moved.leader} leads hello-0, [\d,]+ ms after broker {victim} was killed"
    expect(cockpit.locator(".t-log")).to_contain_text(re.compile(told))
    expect(cockpit.locator("svg title").first).to_contain_text(f"is led by broker {moved.leader}")
    shoot(page, "00_new_leader")

    cockpit.locator(f".t-start-{victim}").click()
    expect(cockpit.locator(f".t-kill-{victim}")).to_be_enabled(timeout=60_000)  # a busy machine
    shoot(page, "00_started_again")
    assert {node.state for node in cluster.status().nodes} == {State.RUNNING}


def _wait_for_new_leader(cluster: LocalCluster, old: int, timeout_s: float = 60) -> Partition:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        found = snapshot(cluster, "hello").partition("hello")
        if found and found.leader not in (None, old):
            return found
        time.sleep(0.1)
    raise AssertionError(f"no new leader within {timeout_s:g} s")
