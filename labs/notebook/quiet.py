"""What kafka-python 3.0 logs as an error or a warning and is none.

Every client asks for metadata in the background. If it is closed at that moment, it logs that the
request was cancelled, or, with a traceback, that its socket is gone: that is no error. On a busy
machine it also warns that its event loop was blocked, when it only waited 0.1 s for a processor.
Python prints what no handler takes: a learner would see it in red below a cell that worked.
"""

from __future__ import annotations

import logging

#: A filter holds for one logger, not for those below it.
_LOGGERS = ("kafka.cluster", "kafka.net.selector")


def register() -> None:
    """Have kafka-python keep these to itself."""
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_is_news)


def _is_news(record: logging.LogRecord) -> bool:
    arguments = record.args if isinstance(record.args, tuple) else ()
    error = record.exc_info[1] if record.exc_info else next(iter(arguments), None)
    was_cancelled = type(error).__name__ == "Cancelled"  # kafka.errors takes long to import
    socket_is_gone = isinstance(error, ValueError) and "Invalid file descriptor: -1" in str(error)
    waited = "blocking the event loop" in str(record.msg)
    return not (was_cancelled or socket_is_gone or waited)
