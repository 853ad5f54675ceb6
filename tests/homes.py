"""A plugin of `tests.run`: each of pytest's workers has a home, and so a cluster, of its own.

A test may break its worker's cluster as it likes: the other worker's never meets it.
"""

from __future__ import annotations

import os
from pathlib import Path

if worker := os.environ.get("PYTEST_XDIST_WORKER"):  # pytest-xdist's name for it: gw0, gw1 …
    os.environ["LABS_HOME"] = str(Path(os.environ["LABS_TEST_HOMES"], worker))
