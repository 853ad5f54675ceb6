"""The process that draws live pictures: it draws, it survives a mistake, it never stays behind."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator

import psutil
import pytest

from labs.charts import painter as module
from labs.charts import picture_of
from labs.charts.painter import Painter, Unpainted
from labs.charts.style import png
from labs.experiment.views import Bars

VIEW = Bars("A finding", ["a"], {"records": [3]}, "records")


@pytest.fixture
def painter() -> Iterator[Painter]:
    painter = Painter()
    yield painter
    painter.close()


def test_it_draws_what_the_kernel_would_draw(painter: Painter) -> None:
    assert painter.paint(VIEW) == png(picture_of(VIEW), quick=True)


def test_it_goes_on_after_a_view_that_cannot_be_drawn(painter: Painter) -> None:
    with pytest.raises(Unpainted, match="draw int"):
        painter.paint(3)  # type: ignore[arg-type]
    first = painter.pid
    assert painter.paint(VIEW).startswith(b"\x89PNG")
    assert painter.pid == first


def test_it_is_started_anew_when_it_died(painter: Painter) -> None:
    painter.start()
    drawing = psutil.Process(painter.pid)
    drawing.kill()
    drawing.wait()
    assert painter.paint(VIEW).startswith(b"\x89PNG")


def test_it_is_given_up_when_it_hangs(painter: Painter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE_S", 0.3)
    painter.start()
    psutil.Process(painter.pid).suspend()
    with pytest.raises(Unpainted, match="ended"):
        painter.paint(VIEW)
    monkeypatch.undo()
    assert painter.paint(VIEW).startswith(b"\x89PNG")


def test_it_does_not_outlive_whoever_started_it() -> None:
    code = "import os; from labs.charts.painter import Painter; p = Painter(); p.start()"
    code += "; print(p.pid, flush=True); os._exit(0)"
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, check=True)
    pid, deadline = int(done.stdout), time.monotonic() + 30
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline, "the drawing process stayed behind"
        time.sleep(0.05)


def test_it_needs_neither_kafka_nor_jupyter() -> None:
    code = (
        "import sys, pkgutil, labs.charts.painter, labs.charts.pictures, labs.charts.kinds as all;"
    )
    code += "[pkgutil.resolve_name(f'{all.__name__}.{kind.name}') for kind in"
    code += " pkgutil.iter_modules(all.__path__)]; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, check=True)
    assert b"labs.charts.kinds.story" in loaded.stdout.split()
    assert {b"kafka", b"IPython", b"ipywidgets"}.isdisjoint(loaded.stdout.split())
