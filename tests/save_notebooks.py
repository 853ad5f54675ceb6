"""`make notebooks`: run every chapter's text on a fresh cluster, and save it with its real results.

`python -m tests.save_notebooks 03` saves only that chapter (in each language in which there is a
text). The README's table of the chapters, the glossary and the sheet of settings are made anew.

A busy machine would be saved as slow servers: so it must be idle when this begins (`--busy`: save
nevertheless).
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from labs.app.cli import end_as_on_ctrl_c
from labs.base.variables import UNATTENDED
from labs.kafka.local import LocalCluster
from labs.supervise.cgroup import cores
from labs.supervise.home import PROJECT, Home, work_dir
from tests import glossary, prose, servers, settings_sheet
from tests.course import Text, chapters, texts, with_table
from tests.outcomes import contradictions
from tests.run import CELL_TIMEOUT_S, end_home

#: What a core may have to do when we begin: the load average of the last minute (getloadavg(3)).
IDLE = 0.3
NEVERTHELESS = "--busy"


class Busy(Exception):  # noqa: N818 - it names what is so
    """Other programs would make the figures that are saved."""


def require_idle() -> None:
    """See that nobody else uses the machine.

    Raises:
        Busy: somebody does.
    """
    load = os.getloadavg()[0] / cores()
    if load > IDLE:
        raise Busy(
            f"this machine is busy (a load of {load:.2f} a core in the last minute; {IDLE:g} is the"
            f" most), and the figures would be too; wait until it is idle, or say {NEVERTHELESS}"
        )


def chosen(names: Sequence[str]) -> list[Text]:
    """The texts of these chapters (`03` or `03_acks`), or of all.

    Raises:
        LookupError: there is no such chapter.
    """
    known = texts()
    for name in names:
        if not any(_is(text, name) for text in known):
            have = ", ".join(text.chapter for text in chapters())
            raise LookupError(f"there is no chapter {name}; there are {have}")
    return [text for text in known if not names or any(_is(text, name) for name in names)]


def _is(text: Text, name: str) -> bool:
    return name in (text.chapter, text.chapter.partition("_")[0])


def save(text: Text) -> None:
    """Run a text from top to bottom, and save it as its notebook.

    Widget state is left out: it is large, and the still picture in each output says the same.
    Numbers in the prose are those of this run (`tests/prose.py`). A learner's program is written
    where `LABS_WORK` says, and named as it will be for them: `work/…`.

    Raises:
        CellExecutionError: a cell failed; nothing is saved.
        LookupError: the run did not show a number that the prose names, or came out otherwise than
            the text says; nothing is saved.
    """
    text.saved.parent.mkdir(parents=True, exist_ok=True)
    book = text.book()
    metadata = nbformat.from_dict(book.metadata)
    client = NotebookClient(
        book, timeout=CELL_TIMEOUT_S, kernel_name="python3", store_widget_state=False
    )
    client.execute(cwd=str(text.saved.parent), env={**os.environ, UNATTENDED: "1"})
    book.metadata = metadata  # the kernel tells of its version: a difference in every update
    prose.fill(book, text.numbers)
    if contradicted := contradictions(book, text.came_true):
        raise LookupError("; ".join(contradicted))
    for cell in book.cells:
        cell.metadata.pop("execution", None)  # times of day: a difference in every saving
        for output in cell.get("outputs", []):
            if "text" in output:
                output.text = output.text.replace(f"{work_dir()}{os.sep}", "work/")
    nbformat.write(book, text.saved)
    print(f"saved {text.notebook}", flush=True)


def main(names: Sequence[str]) -> None:
    """Save the named chapters, or all, and the README's table."""
    saving = chosen([name for name in names if name != NEVERTHELESS])
    if NEVERTHELESS not in names:
        require_idle()
    with tempfile.TemporaryDirectory(prefix="labs-save-") as home:
        os.environ["LABS_HOME"] = str(Path(home).resolve())
        os.environ["LABS_WORK"] = str(Path(home).resolve() / "work")  # nobody's progress
        cluster = LocalCluster(Home.current())
        try:
            cluster.start()
            for text in saving:
                print(f"… running {text.notebook}", flush=True)
                save(text)
        finally:
            end_home(Home.current())
    write_table()
    servers.write()
    glossary.write()
    settings_sheet.write()


def write_table(project: Path = PROJECT) -> None:
    """Have the README's table say what the chapters' texts say."""
    readme = project / "README.md"
    readme.write_text(with_table(readme.read_text("utf-8"), chapters(project)), "utf-8")


if __name__ == "__main__":
    end_as_on_ctrl_c()  # else SIGTERM would leave the cluster running
    try:
        main(sys.argv[1:])
    except (LookupError, CellExecutionError, Busy) as error:
        sys.exit(f"not saved: {error}")
