"""Drops the slot that keeps most."""

import os

from labs import services

database = services.postgres()
(slot,) = database.execute(
    "SELECT slot_name FROM pg_replication_slots WHERE slot_name LIKE %s"
    " ORDER BY restart_lsn LIMIT 1",
    (os.environ["SLOTS"],),
).fetchone()
database.execute("SELECT pg_drop_replication_slot(%s)", (slot,))
