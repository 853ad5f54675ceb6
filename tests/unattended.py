"""A plugin of `tests.run`: notebooks run without a learner, so each panel presses its own Run."""

from __future__ import annotations

import os

from labs.base.variables import UNATTENDED

os.environ[UNATTENDED] = "1"
