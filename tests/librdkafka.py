"""librdkafka's defaults, by the library's own word."""

from __future__ import annotations

import ctypes
from pathlib import Path

import confluent_kafka


def defaults() -> dict[str, str]:
    """All that the library itself lists (`rd_kafka_conf_dump`), a topic's first.

    Nothing where the wheel of confluent-kafka brings the library in another way.
    """
    inside = Path(confluent_kafka.__file__).parents[1] / "confluent_kafka.libs"
    found = sorted(inside.glob("librdkafka*"))
    if not found:
        return {}
    library = ctypes.CDLL(str(found[0]))
    told: dict[str, str] = {}
    for kind in ("topic_conf", "conf"):
        new, dump = (getattr(library, f"rd_kafka_{kind}_{what}") for what in ("new", "dump"))
        new.restype = ctypes.c_void_p
        dump.restype, dump.argtypes = (
            ctypes.POINTER(ctypes.c_char_p),
            [ctypes.c_void_p, ctypes.POINTER(ctypes.c_size_t)],
        )
        count = ctypes.c_size_t()
        words = dump(new(), ctypes.byref(count))
        texts = [(words[n] or b"").decode() for n in range(count.value)]
        told |= dict(zip(texts[::2], texts[1::2], strict=True))
    return told
