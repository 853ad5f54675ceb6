"""Cells that do not always run: each says why not in one grey sentence, and the notebook goes on.

`%%own_cluster` runs where the learner may break processes and read disks, not on somebody else's
Kafka. `%%after crash` runs when the panel `crash` has a result.
"""

from __future__ import annotations

import ast
from html import escape
from typing import Any

from labs.base.errors import LabsError
from labs.base.words import Words

words = Words(__file__)


class NotHere:
    """What stands where a result would: the reason why there is none."""

    def __init__(self, why: str) -> None:
        self.why = why

    def __str__(self) -> str:
        return self.why

    def __repr__(self) -> str:
        return self.why

    def _repr_html_(self) -> str:
        return f'<p style="color: var(--jp-ui-font-color2, #56616B)">{escape(self.why)}</p>'


def own_cluster(_line: str, cell: str) -> None:
    """Run the cell if the notebook's `cluster` can be broken; else show why not."""
    from IPython import get_ipython
    from IPython.display import display

    shell: Any = get_ipython()
    cluster = shell.user_ns.get("cluster")
    if cluster is None:
        raise LabsError(words("cells.no_cluster"), hint=words("cells.no_cluster_hint"))
    if cluster.can_break:
        _run(shell, cell)
    else:
        display(NotHere(words("cells.not_here")))


def after(line: str, cell: str) -> None:
    """Run the cell if the panel that `line` names has a result; else say what to press first."""
    from IPython import get_ipython
    from IPython.display import display

    shell: Any = get_ipython()
    name = line.strip()
    if getattr(shell.user_ns.get(name), "findings", None):
        _run(shell, cell)
    else:
        display(NotHere(words("cells.not_yet", panel=name)))


def _run(shell: Any, cell: str) -> None:
    """Run a cell as it stands: its last expression is shown, and its errors are the caller's."""
    from IPython.display import display

    source = shell.transform_cell(cell)
    tree = ast.parse(source)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    file = shell.compile.cache(source)  # so that a traceback can show the line
    exec(compile(tree, file, "exec"), shell.user_ns)
    if isinstance(last, ast.Expr):
        value = eval(compile(ast.Expression(last.value), file, "eval"), shell.user_ns)
        if value is not None:
            display(value)


def register() -> None:
    """Make the cell magics known, where there is a notebook."""
    import sys

    if "IPython" in sys.modules:
        from IPython import get_ipython

        shell = get_ipython()
        if shell is not None:
            for magic in (own_cluster, after):
                shell.register_magic_function(magic, "cell", magic.__name__)
