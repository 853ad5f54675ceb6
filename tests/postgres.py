"""The PostgreSQL beside Kafka, as the runner of processes has it, and asked from outside.

`python -m tests.postgres HOME GRACE_S` starts that of a home, and holds it. It is no JVM and no
Kafka, many processes, and never root: what the runner of processes must take.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from labs.kafka.choose import chosen
from labs.services.kinds.postgres import BIN, OWNER, PACKAGES, PATIENCE_S, Postgres
from labs.services.service import Service
from labs.supervise.home import Home

SERVER = 1


def service_of(home: Home, grace_s: float | None = None) -> Service:
    return Service(Postgres(home.path, chosen), home, grace_s=grace_s)


def asked(postgres: Service, sql: str) -> str | None:
    """What it answers; None if it does not."""
    place = postgres.runner.place(SERVER)
    assert place is not None
    host, port = place
    at = f"host={host} port={port} user={OWNER} dbname=postgres connect_timeout={PATIENCE_S}"
    command = [str(PACKAGES.folder / BIN / "psql"), at, "--no-psqlrc", "-At", "-c", sql]
    password = {"PGPASSWORD": postgres.facts["password"]}
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, env=password, timeout=2 * PATIENCE_S
        )
    except subprocess.TimeoutExpired:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


if __name__ == "__main__":
    service_of(Home(Path(sys.argv[1])), grace_s=float(sys.argv[2])).start()
    print("up", flush=True)
    time.sleep(600)
