"""`labs experiments` and `labs run`: the experiments without a notebook."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from labs.base.errors import BadInput, LabsError
from labs.base.progress import Tell, progress
from labs.base.streams import print_json, require_written
from labs.chapters import all_experiments, find
from labs.experiment.experiment import Experiment
from labs.experiment.live import Live
from labs.experiment.result import Result
from labs.experiment.settings import describe, resolve, unit_named
from labs.kafka.choose import chosen
from labs.workload import verdicts
from labs.workload.set_here import rows

SHOWN_OFFENDERS = 5
#: What marks one that somebody else's Kafka can't have.
BREAKS = "  (breaks brokers)"


def listing(as_json: bool) -> None:
    """Print every experiment with its question and settings."""
    found = all_experiments()
    if as_json:
        print_json([_described(e) for e in found])
        found = []
    for experiment in found:
        print(f"{experiment.name}{BREAKS if experiment.breaks else ''}\n  {experiment.question}")
        for setting in experiment.settings:
            default = f"{setting.name}={setting.default} {unit_named(setting.unit)}".rstrip()
            print(f"    {default:32} {experiment.help(setting)} ({setting.allowed})")
        print()
    require_written()


def _described(experiment: Experiment) -> dict[str, object]:
    return {
        "name": experiment.name,
        "question": experiment.question,
        "breaks": experiment.breaks,
        "settings": [describe(s, experiment.help(s)) for s in experiment.settings],
    }


def run_experiment(name: str, pairs: Sequence[str], as_json: bool, plot: str | None) -> None:
    """Run one experiment on the learner's cluster and print what it found.

    Raises:
        BadInput: an unknown name or setting, a value out of bounds, a picture that can't be saved.
    """
    experiment = find(name)
    settings = _parsed(pairs)
    resolve(experiment.settings, settings)  # before a cluster is started for nothing
    picture = _png(plot) if plot else None
    with progress() as tell:
        cluster = chosen(tell)
        cluster.start()
        result = experiment.run(cluster, settings, _Told(tell))
    if picture:
        _draw(result, picture)
    if as_json:
        print_json(result.as_dict())
    else:
        print_result(experiment, result)
    require_written()


class _Told(Live):
    """Says on the terminal what a panel would show."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        super().__init__()

    def __setattr__(self, name: str, value: object) -> None:
        super().__setattr__(name, value)
        if name == "said" and value:
            self._tell(str(value), None)


def _parsed(pairs: Sequence[str]) -> dict[str, str]:
    settings = {}
    for pair in pairs:
        name, sign, value = pair.partition("=")
        if not sign:
            raise BadInput(f"--set {pair} is no setting", hint="write it as --set key=value")
        settings[name.strip()] = value.strip()
    return settings


def _png(plot: str) -> Path:
    path = Path(plot)
    if path.suffix.lower() != ".png":
        raise BadInput(f"--plot {plot} is no PNG file", hint="end its name with .png")
    if not path.absolute().parent.is_dir():
        raise BadInput(f"there is no folder {path.absolute().parent}", hint="make it first")
    return path


def _draw(result: Result, path: Path) -> None:
    from labs.charts import picture
    from labs.charts.style import png

    try:
        path.write_bytes(png(picture(result)))
    except OSError as error:
        raise LabsError(f"the picture could not be saved ({error})", hint="name another") from None


def print_result(experiment: Experiment, result: Result) -> None:
    """Print what a run found, for people."""
    console = Console(soft_wrap=True, highlight=False, markup=False)
    console.print(experiment.question)
    chosen = ", ".join(f"{name}={value}" for name, value in result.settings.items())
    console.print(f"  {result.experiment} with {chosen}; {result.duration_s:g} s\n")
    if result.conclusion:
        console.print(f"{result.conclusion}.")
    for judgement in result.judgements:
        console.print(verdicts.told(judgement))
        for offender in judgement.offenders[:SHOWN_OFFENDERS]:
            console.print(f"  {verdicts.evidence(offender)}")
    for jump in result.jumps:
        console.print(f"{str(jump).capitalize()}; our figures come from a clock that nobody sets.")
    table = Table("measured", "", box=None, pad_edge=False)
    for name, value in result.measurements.items():
        table.add_row(name, f"{value:,.6g}" if isinstance(value, int | float) else str(value))
    console.print(table)
    console.print("\nset here (the rest is at its default):")
    for where, name, value, default in rows(result.set_here):
        console.print(f"  {where}: {name} = {value}, default {default}")
    console.print(f"\ntopic {result.topic} on {','.join(result.bootstrap)}")
