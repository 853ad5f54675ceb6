"""Where the container engine is: a `DOCKER_HOST` that is none is named."""

from __future__ import annotations

import pytest

from labs.base.errors import BadInput
from labs.supervise import engine


@pytest.mark.parametrize("address", ["tcp://[bad", "tcp://127.0.0.1:abc", "nonsense://x", "tcp://"])
def test_no_address(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("DOCKER_HOST", address)
    with pytest.raises(BadInput, match=r"^DOCKER_HOST is .* no address of a container engine"):
        engine.connect()
