"""Variables and files that are meant for other programs, or by others for themselves."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import psutil
import pytest

from labs.base import python
from labs.charts import picture_of
from labs.charts.style import png
from labs.experiment.views import Bars
from labs.supervise.home import cache_dir
from tests.faults.test_study import run_in_a_kernel, studying
from tests.helpers import PATIENCE_S, Labs

LABS = Path(sys.executable).with_name("labs")

#: What may stand in a shell for another Python, by the name of what is wrong with it.
SHELLS = {
    "another psutil": {"PYTHONPATH": "{others}"},
    "another Python": {"PYTHONHOME": "{others}"},
    "warnings are errors": {"PYTHONWARNINGS": "error"},
    "no asserts": {"PYTHONOPTIMIZE": "2"},
    "a prompt at the end": {"PYTHONINSPECT": "1"},
    "a script that fails": {"PYTHONSTARTUP": "{others}/fails.py"},
    "a debugger that is not there": {"PYTHONBREAKPOINT": "nothing.here"},
    "nowhere to compile to": {"PYTHONPYCACHEPREFIX": "/dev/null/here"},
    "an encoding that is none": {"PYTHONIOENCODING": "no-such-encoding"},
    "an encoding of its own": {"PYTHONUTF8": "0", "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0"},
    "another environment": {"VIRTUAL_ENV": "{others}", "CONDA_PREFIX": "{others}"},
    "matplotlib in a window": {"MPLBACKEND": "TkAgg", "MPLCONFIGDIR": "/dev/null"},
    "matplotlib nowhere": {"MPLBACKEND": "no-such-backend", "MATPLOTLIBRC": "{others}"},
    "a small terminal": {"TERM": "dumb", "COLUMNS": "5", "LINES": "1", "FORCE_COLOR": "1"},
    "another place and time": {"TZ": "No/Such", "LC_ALL": "tr_TR.UTF-8", "CDPATH": "/"},
    "no temporary folder": {"TMPDIR": "/no/such/folder"},
    "Jupyter elsewhere": {"JUPYTER_CONFIG_DIR": "/dev/null", "IPYTHONDIR": "/dev/null"},
}


@pytest.fixture(scope="module")
def others(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of other programs' Python packages and settings, none of which would do for us."""
    folder = tmp_path_factory.mktemp("others")
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    for packages in (folder, folder / "lib" / version / "site-packages"):
        for name in ("psutil", "click", "filelock", "requests", "matplotlib", "IPython", "zmq"):
            (packages / name).mkdir(parents=True)
            (packages / name / "__init__.py").write_text("raise ImportError('another product')")
    (folder / "learners_own.py").write_text("ANSWER = 42\n")
    (folder / "fails.py").write_text("raise SystemExit('this is not for you')\n")
    (folder / "matplotlibrc").write_text(
        "text.usetex: True\nfont.family: No Such Font\nfigure.dpi: 30\naxes.facecolor: red\n"
    )
    return folder


def shell(name: str, others: Path) -> dict[str, str]:
    return {key: value.format(others=others) for key, value in SHELLS[name].items()}


@pytest.mark.parametrize("name", SHELLS)
def test_a_command(tmp_path: Path, others: Path, name: str) -> None:
    done = subprocess.run(
        [LABS, "status"],
        env={**os.environ, "LABS_HOME": str(tmp_path / "home"), **shell(name, others)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    told = (done.returncode, done.stdout, done.stderr)
    assert told == (3, "", "labs: there is no cluster yet; start it with `labs up`.\n")


def test_other_ways_to_our_python(others: Path) -> None:
    """PYTHONPATH comes last in each, so that a learner's own modules are found there."""
    code = "import psutil, click, IPython, learners_own; print(learners_own.ANSWER)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(others)},
        capture_output=True,
        text=True,
    )
    assert (done.stdout, done.stderr) == ("42\n", "")


@pytest.fixture(scope="module")
def strange_home(others: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of somebody whose Jupyter, IPython and matplotlib are set up for other things."""
    home = tmp_path_factory.mktemp("strange")
    files = {
        ".jupyter/jupyter_server_config.py": "c.IdentityProvider.token = ''\n"
        "c.ServerApp.ip = '0.0.0.0'\nc.ServerApp.disable_check_xsrf = True\n",
        ".jupyter/jupyter_lab_config.json": '{"IdentityProvider": {"token": ""}}',
        ".ipython/profile_default/ipython_config.py": "c.InteractiveShellApp.exec_lines = "
        "['%matplotlib tk', 'raise SystemExit(3)']\n",
        ".ipython/profile_default/startup/00-fails.py": "import os; os._exit(3)\n",
        ".config/matplotlib/matplotlibrc": (others / "matplotlibrc").read_text(),
        ".local/share/jupyter/kernels/python3/kernel.json": json.dumps(
            {"argv": ["/bin/false"], "display_name": "Python 3", "language": "python"}
        ),
    }
    for name, content in files.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(content)
    return home


#: All at once; what would end Jupyter's own `python`, too, before we have any say.
EVERYTHING = {name: value for settings in SHELLS.values() for name, value in settings.items()}
HERS = ("JUPYTER_CONFIG_DIR", "IPYTHONDIR", "MPLCONFIGDIR")  # where `strange_home` has files

LOOK = """
import matplotlib, os, sys
matplotlib.rcParams["text.usetex"] = True
import psutil, click, learners_own
import labs, hashlib
from labs.charts import picture_of
from labs.charts.style import png
from labs.experiment.views import Bars
print("picture", hashlib.sha256(png(picture_of(Bars(*{view!r})))).hexdigest())
print("nodes", len(labs.connect().status().nodes), "asserts", __debug__)
print("backend", matplotlib.get_backend(), "pid", os.getpid())
"""
VIEW = ("A finding", ["a"], {"records": [3]}, "records")


@pytest.mark.timeout(600)
def test_jupyterlab_its_kernels_and_its_pictures(
    labs: Labs, others: Path, strange_home: Path, tmp_path: Path
) -> None:
    everything = {name: value.format(others=others) for name, value in EVERYTHING.items()}
    runtime = tmp_path / "runtime"
    labs.environment = everything | dict.fromkeys(HERS, "")
    labs.environment |= {"HOME": str(strange_home), "JUPYTER_RUNTIME_DIR": str(runtime)}
    labs.environment["LABS_CACHE"] = str(cache_dir())
    labs.command = (str(LABS),)
    with studying(labs) as (study, address):
        with pytest.raises(urllib.error.HTTPError, match="403"):  # it keeps its token
            urllib.request.urlopen(f"{address}/api/contents", timeout=PATIENCE_S)
        told = run_in_a_kernel(address, LOOK.format(view=VIEW), str(runtime))
        listening = {
            connection.laddr.ip
            for process in psutil.Process(study.pid).children(recursive=True)
            for connection in process.net_connections()
            if connection.status == psutil.CONN_LISTEN
        }
    picture = hashlib.sha256(png(picture_of(Bars(*VIEW)))).hexdigest()
    assert f"picture {picture}\nnodes 4 asserts True\nbackend " in told
    assert "inline" in told.split("backend ")[1]
    assert listening <= {"127.0.0.1", "::ffff:127.0.0.1"}  # the last are the JVMs
    labs.environment = {}


@pytest.mark.parametrize("settings", [None, b"# \xbc\xb3\n", b"font.size: big\nno such\n"])
def test_pictures_of_a_command(others: Path, tmp_path: Path, settings: bytes | None) -> None:
    """Drawn by `labs run --plot` and by the drawing process; here without a cluster.

    In a working folder whose `matplotlibrc` says something else, is EUC-KR, or holds mistakes.
    """
    (tmp_path / "matplotlibrc").write_bytes(settings or (others / "matplotlibrc").read_bytes())
    code = (
        "import sys; from labs.charts import picture_of; from labs.charts.style import png;"
        "from labs.experiment.views import Bars;"
        f"sys.stdout.buffer.write(png(picture_of(Bars(*{VIEW!r}))))"
    )
    for name in ("matplotlib in a window", "matplotlib nowhere"):
        done = subprocess.run(
            python.code(code),
            cwd=tmp_path,  # whose matplotlibrc comes before all others
            env={**os.environ, **shell(name, others), "LABS_CACHE": str(cache_dir())},
            capture_output=True,
        )
        assert (done.stdout, done.stderr) == (png(picture_of(Bars(*VIEW))), b"")
