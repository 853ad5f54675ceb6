"""Why a node died, in the words of its own log."""

from __future__ import annotations

import re

#: The speaker's name comes first in our nodes' logs, and last in those of the official image.
_LOG_LINE = re.compile(
    r"^\[[\d ,:-]+\] (?P<level>[A-Z]+) (?:[\w$]+\.[\w.$]+ - )?(?P<text>.*?)(?: \([\w.$]+\))?$"
)
_EXCEPTION = re.compile(r"^(?:Caused by: )?[\w.$]+(?:Exception|Error)\b.*")
_JVM = re.compile(
    r"^(?:Error|Exception|Unrecognized|Invalid|Could not|\[error|# [A-Z])", re.IGNORECASE
)


def error_in(log: bytes) -> str:
    """The last error in what a node has said, with its deepest cause; '' if there is none."""
    lines = log.decode("utf-8", "replace").splitlines()
    last, cause = "", ""
    for line in lines:
        entry = _LOG_LINE.match(line)
        if entry:
            if entry["level"] in ("ERROR", "FATAL"):
                last, cause = entry["text"], ""
        elif _EXCEPTION.match(line):
            found = line.removeprefix("Caused by: ")
            cause = found if ": " in found or not cause else cause  # a bare name says little
        elif _JVM.match(line):
            last, cause = line, ""
    text = f"{last} ({cause})" if last and cause and cause not in last else last or cause
    return text.strip().rstrip(".")
