"""Believes that the preferred leader leads as soon as it is back."""

import os

back = os.environ["BACK"]


def leader(told: str) -> str:
    """The leader of a partition when that broker has come back."""
    seen = dict(part.split(": ") for part in told.split("; "))
    preferred = seen["Replicas"].split(",")[0]
    if seen["Leader"] != "none":
        return back if back == preferred else seen["Leader"]
    eligible = f"{seen['Isr']},{seen['Elr']}".split(",")
    return back if back in eligible else "none"


print(*(leader(os.environ[f"PARTITION_{index}"]) for index in range(3)))
