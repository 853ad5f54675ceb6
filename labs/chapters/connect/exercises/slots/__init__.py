"""11.3: two slots that nobody reads; one of them has a connector that will come back."""

from __future__ import annotations

from labs.base.waiting import wait_for
from labs.base.words import Words
from labs.chapters.connect.connectors import captures
from labs.chapters.connect.exercises.asking import Connect
from labs.exercise.exercise import STATE, Exercise
from labs.exercise.judging import Judging
from labs.exercise.verdict import NotYet
from labs.services.known import service

START, SLOTS = "exercise-11-3-", "exercise_11_3_"
#: Names that say nothing of which is which; MB that are written after each slot was made.
NAMES, WRITTEN_MB = ("amber", "birch", "cedar", "delta"), 20

FOUND = "SELECT slot_name FROM pg_replication_slots WHERE slot_name LIKE %s"


def prepare(judging: Judging) -> dict[str, str]:
    """A stopped connector with its slot, and a slot whose connector was deleted."""
    connect = Connect(judging.tell)
    connect.remove(START)
    database = service("postgres", judging.tell).handle()
    with database:
        for (slot,) in database.execute(FOUND, (f"{SLOTS}%",)).fetchall():
            database.execute("SELECT pg_drop_replication_slot(%s)", (slot,))
        database.execute("DROP TABLE IF EXISTS exercise_noise, exercise_invoices")
        database.execute("CREATE TABLE exercise_noise (told text)")
        database.execute("CREATE TABLE exercise_invoices (id integer PRIMARY KEY)")
        used, unused = (SLOTS + name for name in judging.random.sample(NAMES, 2))
        # The older one keeps more: it is the one that is needed.
        for slot in (used, unused):
            made = "SELECT pg_create_logical_replication_slot(%s, 'pgoutput')"
            database.execute(made, (slot,))
            noise = "SELECT repeat(md5(n::text), 30) FROM generate_series(1, %s) AS n"
            database.execute(f"INSERT INTO exercise_noise {noise}", (WRITTEN_MB * 1000,))
        name = START + "invoices"
        config = captures(database, "exercise_invoices", used, judging.cluster.named(name))
        _put_stopped(judging, connect, name, config)
    return {"CONNECT": connect.url, "SLOTS": f"{SLOTS}%"}


def _put_stopped(judging: Judging, connect: Connect, name: str, config: dict[str, str]) -> None:
    """Make a connector that does not run: the state it begins with is part of the request."""
    body = {"name": name, "config": config, "initial_state": "STOPPED"}
    awaited = judging.exercise.says("awaited", "connector")
    wait_for(lambda: connect.ask("POST", "/connectors", body), awaited)


def judge(judging: Judging) -> tuple[str, ...]:
    """The slot without a connector must be gone, and the other one there."""
    says, name = judging.exercise.says, START + "invoices"
    config = Connect().ask("GET", f"/connectors/{name}/config")
    with service("postgres").handle() as database:
        found = [slot for (slot,) in database.execute(FOUND, (judging.asked["SLOTS"],)).fetchall()]
    used = (config or {}).get("slot.name")
    if used is None:
        raise NotYet("connector_gone", connector=name)
    if used not in found:
        reason = "both_gone" if not found else "wrong_one"
        raise NotYet(reason, says("evidence", "gone", slot=used), slot=used, connector=name)
    if others := [slot for slot in found if slot != used]:
        raise NotYet("still_there", says("evidence", "there", slot=others[0]), slot=others[0])
    return (says("evidence", "kept", slot=used, connector=name),)


EXERCISE = Exercise(
    "11.3",
    STATE,
    Words(__file__),
    judge,
    minutes=6,
    contract=("CONNECT", "SLOTS"),
    prepare=prepare,
)
