"""The command line as the tests run it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from osteolens.interfaces.cli import main


def osteolens(*arguments: str | Path) -> int:
    """Run the command in this process and return its exit code."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["osteolens", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            main()
    return int(stop.value.code or 0)
