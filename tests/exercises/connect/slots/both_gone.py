"""Drops each slot that nobody reads now."""

import os

from labs import services

database = services.postgres()
database.execute(
    "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots"
    " WHERE slot_name LIKE %s AND NOT active",
    (os.environ["SLOTS"],),
)
