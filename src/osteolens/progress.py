"""Progress of long work: a bar on a terminal, a log line now and then elsewhere, nothing when quiet."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterable, Iterator, Sized
from typing import TypeVar

T = TypeVar("T")
logger = logging.getLogger("osteolens")

SECONDS_BETWEEN_LINES = 15.0


def track(items: Iterable[T], description: str, total: int | None = None) -> Iterator[T]:
    """Yield from `items` while telling how far the work is.

    Parameters
    ----------
    total
        Number of items; taken from ``len(items)`` where that is known.
    """
    if total is None and isinstance(items, Sized):
        total = len(items)
    if not logger.isEnabledFor(logging.INFO):
        yield from items
    elif sys.stderr.isatty():
        yield from _bar(items, description, total)
    else:
        yield from _lines(items, description, total)


def _bar(items: Iterable[T], description: str, total: int | None) -> Iterator[T]:
    from rich.console import Console
    from rich.progress import track as rich_track

    yield from rich_track(items, description, total=total, console=Console(stderr=True), transient=True)


def _lines(items: Iterable[T], description: str, total: int | None) -> Iterator[T]:
    last = time.monotonic()
    for done, item in enumerate(items, start=1):
        yield item
        if time.monotonic() - last >= SECONDS_BETWEEN_LINES:
            last = time.monotonic()
            logger.info("%s: %d of %s", description, done, total if total is not None else "?")


def configure_logging(*, quiet: bool = False) -> None:
    """Send plain lines to standard error, so that standard output stays free for results."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(message)s"))
    logger.handlers[:] = [handler]
    logger.setLevel(logging.WARNING if quiet else logging.INFO)
    logger.propagate = False
