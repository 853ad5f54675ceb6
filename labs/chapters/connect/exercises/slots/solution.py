"""Drop each of the slots that no connector names."""

import os

import requests

from labs import services

url = os.environ["CONNECT"]
configs = [requests.get(f"{url}/connectors/{name}/config", timeout=10).json()
           for name in requests.get(f"{url}/connectors", timeout=10).json()]  # fmt: skip
used = [config.get("slot.name") for config in configs]

database = services.postgres()
found = "SELECT slot_name FROM pg_replication_slots WHERE slot_name LIKE %s"
for (slot,) in database.execute(found, (os.environ["SLOTS"],)).fetchall():
    if slot not in used:
        database.execute("SELECT pg_drop_replication_slot(%s)", (slot,))
