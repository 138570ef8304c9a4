"""Work that ends the process that does it."""

from __future__ import annotations

import os
import signal
from pathlib import Path


def double(item: str) -> str:
    """Return an item twice; ``deadly`` kills the process, ``once <file>`` only while there is no such file."""
    kind, _, marker = item.partition(" ")
    if kind == "deadly":
        os.kill(os.getpid(), signal.SIGKILL)
    if kind == "once" and not Path(marker).exists():
        Path(marker).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return kind * 2


def die(_: str) -> None:
    os._exit(3)
