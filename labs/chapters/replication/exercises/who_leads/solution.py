"""A leader stays; without one, whoever is in the ISR or in the ELR may become it."""

import os

back = os.environ["BACK"]


def leader(told: str) -> str:
    """The leader of a partition when that broker has come back."""
    seen = dict(part.split(": ") for part in told.split("; "))
    if seen["Leader"] != "none":
        return seen["Leader"]
    eligible = f"{seen['Isr']},{seen['Elr']}".split(",")
    return back if back in eligible else "none"


print(*(leader(os.environ[f"PARTITION_{index}"]) for index in range(3)))
