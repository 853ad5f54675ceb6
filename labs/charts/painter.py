"""Live pictures drawn by a process of its own, so that drawing does not disturb what is measured.

In a thread of the kernel, matplotlib would hold the interpreter's lock away from the Kafka client:
measured here at five pictures a second, 1 in 10 wake-ups of another thread came 5 ms late instead
of 0.3 ms, 1 in 100 came 18 ms late instead of 2.

The process reads views from its standard input, writes PNGs to its standard output, and ends when
its input does, so it never outlives the kernel. It asks for less of the processors (`nice`), which
counts for little where Linux shares them out by session first (`sched_autogroup_enabled`).
"""

from __future__ import annotations

import contextlib
import os
import pickle
import struct
import subprocess
import sys
import threading
from typing import IO

from labs.base import python
from labs.experiment.views import View

#: A picture that takes longer, s, is given up, and the process with it.
PATIENCE_S = 20.0
NICENESS = 5

_HEAD = struct.Struct(">?Q")  # whether it went well, and how many bytes follow


class Unpainted(Exception):  # noqa: N818 - it names what happened
    """A view could not be drawn; says why."""


class Painter:
    """Draws views elsewhere; safe to share by threads. The process starts with the first use."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    @property
    def pid(self) -> int | None:
        """Of the process that draws; None: none was started."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Begin to get ready, without waiting for it: imports take a second."""
        with self._lock:
            self._running()

    def paint(self, view: View) -> bytes:
        """The view as a PNG.

        Raises:
            Unpainted: it could not be drawn, or took too long.
        """
        letter = pickle.dumps(view)
        with self._lock:
            process = self._running()
            assert process.stdin is not None
            assert process.stdout is not None
            watch = threading.Timer(PATIENCE_S, process.kill)
            watch.daemon = True
            watch.start()
            try:
                _write(process.stdin, True, letter)
                good, answer = _read(process.stdout)
            except (OSError, EOFError) as error:
                process.kill()
                process.wait()
                raise Unpainted(f"the drawing process ended: {error}") from error
            finally:
                watch.cancel()
        if not good:
            raise Unpainted(answer.decode())
        return answer

    def close(self) -> None:
        """End the process."""
        with self._lock:
            process, self._process = self._process, None
        if process is not None:
            with contextlib.suppress(OSError):
                process.communicate()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self._process = subprocess.Popen(
                python.module("labs.charts.painter"),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # Jupyter interrupts the kernel's whole process group
            )
        return self._process


def _write(pipe: IO[bytes], good: bool, message: bytes) -> None:
    pipe.write(_HEAD.pack(good, len(message)))
    pipe.write(message)
    pipe.flush()


def _read(pipe: IO[bytes]) -> tuple[bool, bytes]:
    head = pipe.read(_HEAD.size)
    if len(head) < _HEAD.size:
        raise EOFError("its pipe is closed")
    good, size = _HEAD.unpack(head)
    message = pipe.read(size)
    if len(message) < size:
        raise EOFError("its pipe is closed")
    return good, message


def main() -> None:
    """Draw whatever comes in, until nothing more can come."""
    from labs.charts.pictures import picture_of
    from labs.charts.style import png

    with contextlib.suppress(OSError):
        os.nice(NICENESS)
    inbox, outbox = sys.stdin.buffer, sys.stdout.buffer
    canvas = None
    while True:
        try:
            _, letter = _read(inbox)
        except EOFError:
            return
        try:
            canvas = picture_of(pickle.loads(letter), canvas)
            good, answer = True, png(canvas, quick=True)
        except Exception as error:
            good, answer, canvas = False, f"{type(error).__name__}: {error}".encode(), None
        _write(outbox, good, answer)


if __name__ == "__main__":
    main()
