"""What runs on GitHub as soon as this repository is public."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from labs.supervise.home import PROJECT

WORKFLOWS = sorted((PROJECT / ".github" / "workflows").glob("*.yml"))


def jobs() -> dict[str, Any]:
    (file,) = WORKFLOWS
    found: dict[str, Any] = yaml.safe_load(file.read_text("utf-8"))["jobs"]
    return found


def test_make_test_runs_on_every_machine_that_the_readme_names() -> None:
    test = jobs()["test"]
    machines = {"ubuntu-24.04", "ubuntu-24.04-arm", "macos-15"}
    assert set(test["strategy"]["matrix"]["machine"]) == machines
    commands = [step.get("run") for step in test["steps"]]
    assert commands.index("bash .ci/browser") < commands.index("make test")


def test_the_image_is_built_for_both_processors() -> None:
    image = jobs()["image"]
    assert set(image["strategy"]["matrix"]["machine"]) == {"ubuntu-24.04", "ubuntu-24.04-arm"}
    assert image["steps"][-1]["run"] == "docker compose build study"


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_can_do_no_harm(file: Any) -> None:
    text = file.read_text("utf-8")
    workflow = yaml.safe_load(text)
    assert workflow["permissions"] == {"contents": "read"}
    assert "pull_request_target" not in text and "secrets." not in text
    actions = re.findall(r"uses: (.+)", text)
    assert actions
    for action in actions:  # a tag can be moved, a commit can't
        assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action), action
    for job in workflow["jobs"].values():
        assert job["timeout-minutes"] <= 120
        assert job["if"] == "${{ !github.event.repository.private }}"


def test_actionlint_finds_nothing() -> None:
    actionlint = shutil.which("actionlint")
    if actionlint is None:
        pytest.skip("no actionlint: go install github.com/rhysd/actionlint/cmd/actionlint@latest")
    done = subprocess.run([actionlint], cwd=PROJECT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
