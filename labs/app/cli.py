"""The `labs` command: start, look at, break, repair and stop the cluster; open the notebooks.

Exit codes: 0 done, 1 failure, 2 bad input, 3 (`status` only) the cluster is not up.
"""

from __future__ import annotations

import math
import shlex
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import click
import psutil

from labs.app.tools import TOOLS
from labs.base import streams
from labs.base.clock import wall
from labs.base.errors import LabsError, NotUp
from labs.base.progress import progress
from labs.kafka.actions import ACTIONS, Action
from labs.kafka.choose import chosen
from labs.kafka.cluster import Cluster, State, Status
from labs.supervise.ports import HOST

P = ParamSpec("P")
R = TypeVar("R")

#: How long `labs up` keeps an unused cluster, and `labs services start` a server, in hours.
KEEP_H = 12.0

MARKS = {
    State.RUNNING: "●",
    State.PAUSED: "❚❚",
    State.STOPPING: "◐",
    State.STOPPED: "○",
    State.KILLED: "✕",
}


def main() -> None:
    """Run the command line; every foreseeable failure is one sentence on stderr."""
    end_as_on_ctrl_c()
    streams.secure()
    try:
        cli.main(prog_name="labs", standalone_mode=False)
    except LabsError as error:
        _fail(str(error), error.exit_code)
    except click.exceptions.NoArgsIsHelpError as error:
        print(error.format_message(), file=sys.stderr)
        sys.exit(error.exit_code)
    except click.ClickException as error:
        _fail(f"{_refusal(error)}; `labs --help` lists the commands.", error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        _fail("interrupted; `labs status` shows how things stand.", 1)
    except (OSError, psutil.Error) as error:
        _fail(f"the system refused ({error}); `labs doctor` looks for the cause.", 1)


def end_as_on_ctrl_c() -> None:
    """Have SIGTERM and a closed terminal raise KeyboardInterrupt too: what was begun is undone."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup's wish
            signal.signal(number, signal.default_int_handler)


def _refusal(error: click.ClickException) -> str:
    """What click says, as the beginning of a sentence."""
    meant = " or ".join(map(repr, getattr(error, "possibilities", None) or ()))
    told = (error.message if meant else error.format_message()).rstrip(".")
    told = f"{told[:1].lower()}{told[1:]}"
    return f"{told}: perhaps {meant} is meant" if meant else told


def _fail(sentence: str, code: int) -> None:
    print(f"labs: {sentence}", file=sys.stderr)
    sys.exit(code)


class Hours(click.FloatRange):
    """A number of hours; click itself finds "nan" neither too small nor too big."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The number, if it is one and within the bounds."""
        hours = super().convert(value, param, ctx)
        if math.isnan(hours):
            self.fail(f"{value!r} is no number", param, ctx)
        return hours


class Commands(click.Group):
    """Our commands, and Kafka's own tools under a heading of their own."""

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """The command; a tool also by its script's name, `kafka-topics.sh`."""
        return super().get_command(ctx, name.removesuffix(".sh"))

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List both."""
        del ctx  # click gives it
        commands = {n: c for n, c in self.commands.items() if not c.hidden}
        for heading, tools in (("Commands", False), ("Kafka's own tools", True)):
            with formatter.section(heading):
                formatter.write_dl(
                    [
                        (name, command.get_short_help_str(60))
                        for name, command in sorted(commands.items())
                        if (name in TOOLS) is tools
                    ]
                )


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """A real Kafka cluster you can break: one controller and three brokers on this machine."""


def with_cluster(command: Callable[..., R]) -> Callable[..., R]:
    """Give a command the cluster, with progress shown while it works."""

    @wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> R:
        with progress() as tell:
            cluster = chosen(tell, hold=False)
            return command(cluster, *args, **kwargs)

    return wrapped


@cli.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option(
    "--for",
    "hours",
    type=Hours(min=0, max=24 * 14),
    default=KEEP_H,
    show_default=True,
    metavar="HOURS",
    help="Keep it up that long, even while nobody uses it.",
)
def up(as_json: bool, hours: float) -> None:
    """Start the cluster, or adopt the one that runs."""
    with progress() as tell:
        cluster = chosen(tell, hold=False)
        until = cluster.keep(hours)
        status = cluster.start()
    _show(status, as_json)
    if until is not None and not as_json:
        print()
        _tell_until(until)
        print("`labs down` stops it.")


def _tell_until(until: float | None) -> None:
    """Say how long something stays up though nobody uses it; None: nothing was promised."""
    if until is not None:
        clock = time.strftime("%a %H:%M", time.localtime(wall(until)))
        print(f"It stays up until {clock}, and longer while a notebook uses it.")


@cli.command()
@click.option("--if-idle", is_flag=True, hidden=True)
def down(if_idle: bool) -> None:
    """Stop the cluster and the servers beside it; what they hold stays on disk."""
    from labs.services.together import stop_all

    with progress() as tell:
        cluster = chosen(tell, hold=False)
        for product in [] if if_idle else stop_all(tell):  # each has a watchdog of its own
            print(f"{product} is down.")
        if not cluster.can_break:
            raise LabsError("this is somebody else's Kafka, and can't be stopped from here")
        was_up = cluster.status().up
        tell("stopping the cluster", None)
        cluster.stop(if_idle)
    print("The cluster is down." if was_up else "The cluster was not up; nothing is left.")


@cli.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def status(as_json: bool) -> None:
    """Show every node. Exits 3 when the cluster is not up."""
    seen = chosen(hold=False).status()
    if not seen.nodes and not as_json:
        raise NotUp("there is no cluster yet", hint="start it with `labs up`")
    _show(seen, as_json)
    streams.require_written()
    if not seen.up:
        sys.exit(NotUp.exit_code)


def _show(status: Status, as_json: bool) -> None:
    if as_json:
        streams.print_json(status.as_dict())
        return
    rows = [("", "id", "role", "state", "pid", "port")]
    for node in status.nodes:
        pid = str(node.pid or "–")
        rows.append((MARKS[node.state], str(node.id), node.role, node.state, pid, str(node.port)))
    state = "up" if status.up else "not up"
    print(f"Apache Kafka {status.kafka_version}, cluster {status.cluster_id}: {state}")
    for line in _columns(rows):
        print(line)
    print(f"bootstrap_servers = {','.join(status.bootstrap)}")
    if status.backend == "local":
        print(f"logs and records in {status.home}")
    if status.ready_s is not None:
        print(f"ready after {status.ready_s:g} s")
    for remark in status.remarks:
        print(f"note: {remark}")


def _columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """The rows as lines, each column as wide as its widest word.

    rich would do it; importing it takes a thirtieth of a whole start.
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    padded = ([word.ljust(width) for word, width in zip(row, widths, strict=True)] for row in rows)
    return ["  ".join(words).rstrip() for words in padded]


def _node_command(name: str, action: Action) -> None:
    """Make a command that does one thing to one node."""

    @cli.command(name, help=f"{name.capitalize()} a node ({action.tip}).")
    @click.argument("node_id", metavar="ID", type=int)
    @with_cluster
    def command(cluster: Cluster, node_id: int) -> None:
        action.do(cluster, node_id)
        signal = f" ({action.signal})" if action.signal else ""
        print(f"Node {node_id} {action.done}{signal}.")


for _name, _action in ACTIONS.items():
    _node_command(_name, _action)


@cli.group("services", invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON list.")
@click.pass_context
def beside(context: click.Context, as_json: bool) -> None:
    """List the servers beside Kafka, such as PostgreSQL; start, break and stop them."""
    if context.invoked_subcommand is None:
        from labs.app.services import listing

        for line in _columns(listing(as_json)):
            print(line)


@beside.command("start")
@click.argument("name")
def start_service(name: str) -> None:
    """Start a server, or adopt the one that runs. What it needs is fetched first."""
    from labs.app.services import start

    _tell_until(start(name, KEEP_H))


@beside.command("stop")
@click.argument("name")
def stop_service(name: str) -> None:
    """Stop a server; what it holds stays on disk."""
    from labs.app.services import stop

    stop(name)


def _service_command(action: str) -> None:
    """Make a command that breaks or mends a server beside Kafka."""

    @beside.command(action, help=f"{action.capitalize()} a server, or (of several) one NODE of it.")
    @click.argument("name")
    @click.argument("node", type=int, required=False)
    def command(name: str, node: int | None) -> None:
        from labs.app.services import do

        do(action, name, node)


for _name in ("kill", "pause", "resume"):
    _service_command(_name)


@cli.command()
@click.option("--hard", is_flag=True, help="Wipe the disks and start a new cluster.")
@with_cluster
def reset(cluster: Cluster, hard: bool) -> None:
    """Back to a clean cluster: no topics, no groups, every broker up.

    On somebody else's Kafka it deletes your own topics and groups, and touches nothing else.
    """
    cluster.keep(KEEP_H, if_unused=True)
    cluster.reset(hard)
    if cluster.prefix:
        print(f"No topic and no group of yours ({cluster.prefix}…) is left.")
    else:
        print("The cluster is clean: no topics, no groups, every broker up.")


@cli.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON list.")
def experiments(as_json: bool) -> None:
    """List the experiments, and what can be set in each."""
    from labs.app.run import listing

    listing(as_json)


@cli.command()
@click.argument("name")
@click.option("--set", "pairs", multiple=True, metavar="KEY=VALUE", help="Change a setting.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--plot", type=click.Path(dir_okay=False), metavar="FILE.png", help="Draw it.")
def run(name: str, pairs: tuple[str, ...], as_json: bool, plot: str | None) -> None:
    """Run an experiment on the live cluster: `labs run acks.leader_crash --set acks=all`."""
    from labs.app.run import run_experiment

    run_experiment(name, pairs, as_json, plot)


@cli.group("progress", invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def learners_progress(context: click.Context, as_json: bool) -> None:
    """Show how far you are: predictions, quizzes, exercises. It stays on this machine."""
    if context.invoked_subcommand is None:
        from labs.app.learning import show_progress

        show_progress(as_json)


@learners_progress.command("export")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def export_progress(file: Path) -> None:
    """Write your progress into one new file."""
    from labs.app.learning import export

    export(file)


@learners_progress.command("import")
@click.argument("file", type=click.Path(path_type=Path))
def import_progress(file: Path) -> None:
    """Add the progress of an exported file to yours; nothing of yours is lost."""
    from labs.app.learning import bring_in

    bring_in(file)


@cli.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON list.")
def exercises(as_json: bool) -> None:
    """List the exercises: what you can build, and have the cluster judge."""
    from labs.app.exercises import listing

    listing(as_json)


@cli.command()
@click.argument("id")
@click.option("--lang", type=click.Choice(["python", "java"]), help="Of a program; else python.")
def new(id: str, lang: str | None) -> None:
    """Begin an exercise: `labs new 05.1` writes what you begin with into work/05_1/.

    It never overwrites a file of yours. For an exercise that is no program it prepares the cluster,
    and tells what is asked.
    """
    from labs.app.exercises import new as begin

    begin(id, lang)


@cli.command()
@click.argument("id")
@click.option("--program", metavar="CMD", help="Judge this program, not the one in work/.")
@click.option("--answer", metavar="VALUE", help="What you have found out.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--seed", type=click.IntRange(min=0), help="Repeat the faults of an earlier try.")
def check(
    id: str, program: str | None, answer: str | None, as_json: bool, seed: int | None
) -> None:
    """Have the cluster judge your work: `labs check 05.1`.

    Exits 0 for pass, 1 for not yet, 3 for can't tell.
    """
    from labs.app.exercises import check as judged

    judged(id, program, answer, as_json, seed)


@cli.command()
@click.argument("what", metavar="[ID]", required=False)
@click.option("-f", "--follow", is_flag=True, help="Keep showing what is added, until Ctrl-C.")
@click.option("-n", "lines", type=click.IntRange(0, 1_000_000), default=20, show_default=True)
def logs(what: str | None, follow: bool, lines: int) -> None:
    """Show the end of a node's log (of all nodes without ID), or of a server's: `postgres`."""
    if what is None or what.removeprefix("-").isdigit():
        from labs.app.logs import show_logs

        show_logs(chosen(hold=False), int(what) if what else None, lines, follow)
    else:
        from labs.app.services import show_logs as show_servers

        show_servers(what, lines, follow)


@cli.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON list.")
def doctor(as_json: bool) -> None:
    """Check this machine and say how to repair what is wrong."""
    from labs.app.doctor import examine

    findings = list(examine())
    if as_json:
        streams.print_json([{**asdict(one), "good": one.good} for one in findings])
    for finding in [] if as_json else findings:
        print(f"{finding.mark} {finding.name}: {finding.found}")
        if finding.mend:
            print(f"    → {finding.mend}")
    streams.require_written()
    broken = sum(not finding.good for finding in findings)
    if broken:
        failed = f"{broken} of {len(findings)} checks failed"
        raise LabsError(failed, hint="the lines with → say what to do")


@cli.command()
@click.option("--no-browser", is_flag=True, help="Print the address instead of opening a browser.")
@click.option("--port", type=click.IntRange(1, 65535), default=8888, show_default=True)
@click.option("--ip", default=HOST, hidden=True)  # a container must listen to its outside
def study(no_browser: bool, port: int, ip: str) -> None:
    """Start the cluster and open the notebooks in JupyterLab."""
    from labs.app.jupyter import require_notebooks, serve

    require_notebooks()
    with progress() as tell:
        chosen(tell).start()
    try:
        code = serve(port, browser=not no_browser, ip=ip)
    finally:
        with progress() as tell:
            cluster = chosen(tell)
            cluster.leave()
    if cluster.can_break and cluster.status().up:
        print("The cluster stays up; `labs down` stops it.")
    sys.exit(code)


def _tool_command(name: str, does: str) -> None:
    """Make a command of one of Kafka's tools: every word behind its name is the tool's."""

    @cli.command(
        name,
        help=does,
        add_help_option=False,
        context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
    )
    @click.argument("words", nargs=-1, type=click.UNPROCESSED)
    def command(words: tuple[str, ...]) -> None:
        from labs.app.kafka_tools import run_tool

        sys.exit(run_tool(name, words))


for _name, (_, _does) in TOOLS.items():
    _tool_command(_name, _does)


@cli.command(hidden=True)
@click.option("--services", is_flag=True, help="Also what the servers beside Kafka need.")
def setup(services: bool) -> None:
    """Fetch and prepare everything that a start needs (`make setup` calls this)."""
    from labs.kafka.installation import ensure_installation
    from labs.kafka.local import train

    with progress() as tell:
        installation = ensure_installation(train, tell)
        if services:
            from labs.services.together import provide_all

            provide_all(tell)
    folder = shlex.quote(str(installation.checkpoint.parent))
    print(f"Ready: Java {installation.java.version}, {folder}")


if __name__ == "__main__":
    main()
