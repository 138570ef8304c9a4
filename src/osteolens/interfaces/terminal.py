"""What goes to standard output: the answer of a verb, and nothing else."""

from __future__ import annotations

import sys
from typing import Any


def say(text: Any) -> None:
    """Print one answer."""
    sys.stdout.write(f"{text}\n")
