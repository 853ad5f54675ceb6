"""An experiment is a value: settings, one question, and a plain function on a live cluster.

>>> EXPERIMENT = Experiment("acks.leader_crash", Words(__file__), SETTINGS, body)
>>> result = EXPERIMENT.run(cluster, {"acks": "all"})
>>> result.report.verdict
'valid'

The body gets a `Run`: the topic, clients, faults and measurements of this one run. When the body
is over, however it ended, its clients are closed and the cluster is whole again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from confluent_kafka import KafkaException
from kafka.errors import KafkaError

from labs.base.clock import Jump, now, watching_the_wall
from labs.base.errors import LabsError
from labs.base.words import Words
from labs.experiment.live import Live
from labs.experiment.prediction import Ask, Estimate
from labs.experiment.result import Result
from labs.experiment.run import Run
from labs.experiment.settings import Setting, Value, resolve
from labs.kafka.cluster import Cluster
from labs.kafka.features import Feature
from labs.observe.healing import heal
from labs.workload import undisturbed
from labs.workload.judgements import LOG, in_doubt

words = Words(__file__)


@dataclass(frozen=True)
class Experiment:
    """One question to a live cluster.

    Args:
        name: `chapter.what`.
        words: the chapter's sentences; those of this experiment stand in the section `what`.
        settings: what can be changed, with bounds.
        body: the function that does it; it gets the `Run`.
        ask: the prediction asked before a run; each run with other settings is asked about anew.
        breaks: whether it needs a cluster whose processes can be broken.
        judges: what it is about beside the log: `judgements.PROCESSING`, `judgements.KEY_ORDER`.
        by_wall: settings → what of it a broker or a client measures by its wall clock, as the end
            of a sentence (“brokers end …”): if that clock is set meanwhile, nothing is concluded.
            Empty: nothing of it, but for a follower's lag, which each run finds out for itself.
        needs: what a cluster must be able to do for a value of a setting: (name, value) → feature.
        about: the measurements of which the chapter's text speaks, and no others (a test compares
            both), but for a predicted one, which is always among them. The rest are folded away.
        formerly: names that it had before it moved to this chapter. It is still found by them.
    """

    name: str
    words: Words
    settings: tuple[Setting, ...]
    body: Callable[[Run], None]
    ask: Ask | None = None
    breaks: bool = True
    judges: tuple[str, ...] = (LOG,)
    by_wall: Callable[[Mapping[str, Value]], str] = lambda _settings: ""
    needs: Mapping[tuple[str, str], Feature] = field(default_factory=dict)
    about: tuple[str, ...] = ()
    formerly: tuple[str, ...] = ()

    @property
    def shown(self) -> tuple[str, ...]:
        """The measurements that are shown at once."""
        predicted = (self.ask.measured,) if isinstance(self.ask, Estimate) else ()
        return (*predicted, *self.about)

    @property
    def question(self) -> str:
        """What the learner wants to know, in a sentence."""
        return self.says("question")

    def says(self, name: str) -> str:
        """A sentence of this experiment, by its id."""
        return self.words(f"{self._section}.{name}")

    def help(self, setting: Setting) -> str:
        """What a setting of this experiment is: in its own section, or in the chapter's `help`."""
        own = f"{self._section}.help.{setting.name}"
        return self.words(own if own in self.words else f"help.{setting.name}", **setting.facts)

    @property
    def _section(self) -> str:
        return self.name.partition(".")[2]

    def missing(self, cluster: Cluster, values: Mapping[str, Value]) -> LabsError | None:
        """Why the cluster can't run it with these values; None if it can. Nothing is changed."""
        for (name, value), feature in self.needs.items():
            if values[name] == value and (why := feature.missing(cluster)):
                return LabsError(
                    words("refused.missing", name=name, value=value, why=why),
                    hint=words("refused.missing_hint", name=name),
                )
        return None

    def run(
        self,
        cluster: Cluster,
        settings: Mapping[str, object] | None = None,
        live: Live | None = None,
    ) -> Result:
        """Run it once on a healthy cluster; the cluster is healthy again afterwards.

        Raises:
            BadInput: an unknown setting, or a value out of bounds.
            LabsError: this cluster can't be broken, or could not be repaired.
            Stopped: `live.stop()` was called.
        """
        values = resolve(self.settings, settings or {})
        if self.breaks and not cluster.can_break:
            raise LabsError(
                words("refused.breaks", name=self.name), hint=words("refused.breaks_hint")
            )
        if missing := self.missing(cluster, values):
            raise missing
        run = Run(self.name, cluster, values, live or Live(), judges=self.judges)
        run.say(words("says.checking"))
        heal(cluster)
        run.began = now()
        with watching_the_wall() as wall:
            try:
                with undisturbed(), _foreseeing(self.name):
                    self.body(run)
                    result = replace(run.result(), about=self.shown)
            except LabsError as error:
                wall.look()
                raise after_jumps(error, wall.jumps) from None
            finally:
                run.close()
        return self.with_jumps(result, wall.jumps)

    def with_jumps(self, result: Result, jumps: Sequence[Jump]) -> Result:
        """Name the jumps of the wall clock; conclude nothing where a broker or a client follows it.

        Our own times come from the monotonic clock and stay valid.
        """
        result = replace(result, jumps=tuple(jumps))
        reason = self.by_wall(result.settings) or result.by_wall
        if not jumps or not reason:
            return result
        why = words("doubted.result", jump=jumps[0], reason=reason)
        report, processing, key_order = (
            in_doubt(found, why) if found else None
            for found in (result.report, result.processing, result.key_order)
        )
        return replace(
            result,
            report=report,  # type: ignore[arg-type]
            processing=processing,  # type: ignore[arg-type]
            key_order=key_order,  # type: ignore[arg-type]
            doubt=why,
        )


@contextmanager
def _foreseeing(name: str) -> Iterator[None]:
    """Turn a client's unexpected error into a sentence: on a busy machine any call may fail.

    Raises:
        LabsError: instead of kafka-python's and librdkafka's errors.
    """
    try:
        yield
    except (KafkaError, KafkaException) as error:
        native = isinstance(error, KafkaException) and error.args
        told = error.args[0].name() if native else type(error).__name__
        raise LabsError(
            words("broken_off.what", name=name, error=told), hint=words("broken_off.hint")
        ) from error


def after_jumps(error: LabsError, jumps: Sequence[Jump]) -> LabsError:
    """The same failure; adds that the wall clock was set: brokers measure some waits by it."""
    if jumps:
        error.what = words("doubted.failure", failure=error.what, jump=jumps[0])
    return error
