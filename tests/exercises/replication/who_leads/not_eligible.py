"""Lets any replica lead that is alive."""

import os

back = os.environ["BACK"]


def leader(told: str) -> str:
    """The leader of a partition when that broker has come back."""
    seen = dict(part.split(": ") for part in told.split("; "))
    if seen["Leader"] != "none":
        return seen["Leader"]
    return back if back in seen["Replicas"].split(",") else "none"


print(*(leader(os.environ[f"PARTITION_{index}"]) for index in range(3)))
