"""Whether a cell was run alone, or together with others (*Run All*): by when it was sent.

JupyterLab sends all cells of *Run All* in one go, some milliseconds apart. A hand needs longer from
one cell to the next, and what it sends waits in the same queue when a cell still runs. Both times
are the browser's own: it matters neither where the browser is, nor how busy this machine.
"""

from __future__ import annotations

import sys
from collections import deque
from datetime import datetime, timedelta
from typing import Any

#: No hand runs two cells within this time; whoever holds the keys down runs many together, too.
HAND = timedelta(seconds=0.1)

#: When the cell before was sent, and this one.
sent_at: deque[datetime] = deque(maxlen=2)


def together() -> bool:
    """Whether the cell that runs now was sent together with the one before it."""
    return len(sent_at) == 2 and abs(sent_at[1] - sent_at[0]) < HAND


def register() -> None:
    """Look at each cell from now on, this one included, where there is a notebook."""
    if "IPython" in sys.modules:
        from IPython import get_ipython

        shell: Any = get_ipython()
        if hasattr(shell, "get_parent"):  # a prompt in a terminal is sent nothing
            _note()
            shell.events.register("pre_run_cell", _note)


def _note(_cell: object = None) -> None:
    from IPython import get_ipython

    shell: Any = get_ipython()
    sent = shell.get_parent().get("header", {}).get("date")
    if isinstance(sent, datetime):
        sent_at.append(sent)
