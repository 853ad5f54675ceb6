"""Cells that do not run everywhere say why not."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

from labs.base.errors import LabsError
from labs.notebook import cells


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch) -> Any:
    shell: Any = InteractiveShell()
    monkeypatch.setattr("IPython.get_ipython", lambda: shell)
    shell.shown = []
    monkeypatch.setattr("IPython.display.display", shell.shown.append)
    cells.register()
    return shell


def run(shell: Any, cell: str, can_break: bool) -> Any:
    shell.user_ns["cluster"] = SimpleNamespace(can_break=can_break)
    return shell.run_cell(f"%%own_cluster\n{cell}", silent=True)


def test_here_it_runs_and_shows_its_last_expression(shell: Any) -> None:
    assert run(shell, "x = 2\nx + 40", can_break=True).success
    assert shell.shown == [42]
    assert shell.user_ns["x"] == 2


def test_elsewhere_nothing_runs_and_the_reason_is_shown(shell: Any) -> None:
    assert run(shell, "x = 2\nx", can_break=False).success
    assert "x" not in shell.user_ns
    assert [str(shown) for shown in shell.shown] == [cells.words("cells.not_here")]


def test_an_error_in_it_is_an_error_of_the_cell(shell: Any) -> None:
    result = run(shell, "1 / 0", can_break=True)
    assert isinstance(result.error_in_exec, ZeroDivisionError)


def test_without_a_cluster_it_says_what_to_run(shell: Any) -> None:
    result = shell.run_cell("%%own_cluster\nx = 1", silent=True)
    assert isinstance(result.error_in_exec, LabsError)
    assert cells.words("cells.no_cluster_hint") in str(result.error_in_exec)


def test_what_shows_a_panels_result_waits_for_it(shell: Any) -> None:
    cell = "%%own_cluster\n%%after crash\ncrash.findings[-1]"
    for crash in (None, SimpleNamespace(findings=[])):
        shell.user_ns["crash"] = crash
        assert run(shell, cell.partition("\n")[2], can_break=True).success
        assert str(shell.shown.pop()) == cells.words("cells.not_yet", panel="crash")
    shell.user_ns["crash"] = SimpleNamespace(findings=["found"])
    assert run(shell, cell.partition("\n")[2], can_break=True).success
    assert shell.shown == ["found"]
