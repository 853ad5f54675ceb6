"""`make notebooks`: run every notebook on a fresh cluster and save it with its real results.

`python -m tests.save_notebooks 01_overview` saves only that one.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from labs.cli import end_as_on_ctrl_c
from labs.cluster.home import PROJECT, Home
from labs.cluster.local import LocalCluster
from tests import prose

CELL_TIMEOUT_S = 180


def save(path: Path) -> None:
    """Execute a notebook in place.

    Widget state is left out: it is large, and the still picture in each output says the same.
    Numbers in the prose are those of this run (`tests/prose.py`).
    """
    book = nbformat.read(path, as_version=4)
    client = NotebookClient(
        book, timeout=CELL_TIMEOUT_S, kernel_name="python3", store_widget_state=False
    )
    client.execute(cwd=str(path.parent))
    kept = {"labs": book.metadata["labs"]} if "labs" in book.metadata else {}
    book.metadata = nbformat.from_dict(
        {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
            **kept,
        }
    )
    prose.fill(book)
    for number, cell in enumerate(book.cells, start=1):
        cell.id = f"cell-{number:02}"
        cell.metadata.pop("execution", None)  # times of day: a difference in every saving
    nbformat.write(book, path)
    print(f"saved {path.relative_to(PROJECT)}")


def main(names: list[str]) -> None:
    """Save the named notebooks, or all."""
    books = sorted((PROJECT / "notebooks").glob("*.ipynb"))
    with tempfile.TemporaryDirectory(prefix="labs-save-") as home:
        os.environ["LABS_HOME"] = str(Path(home).resolve())
        cluster = LocalCluster(Home.current())
        try:
            cluster.start()
            for path in books:
                if not names or path.stem in names:
                    save(path)
        finally:
            cluster.stop()


if __name__ == "__main__":
    end_as_on_ctrl_c()  # else SIGTERM would leave the cluster running
    main(sys.argv[1:])
