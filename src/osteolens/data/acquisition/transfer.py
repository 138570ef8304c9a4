"""The transfer of a ZIP: resumed by range requests, tried again with growing pauses, checked when it is complete."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from osteolens.data.acquisition.digests import MEBIBYTE, Digests
from osteolens.data.acquisition.part import Origin, Part
from osteolens.data.acquisition.source import Release
from osteolens.data.acquisition.web import (
    BY_HAND,
    Answer,
    OutdatedPartError,
    RefusedError,
    TransientError,
    open_at,
    read_some,
)
from osteolens.errors import DataError, StorageError
from osteolens.progress import track
from osteolens.storage import storage_errors

logger = logging.getLogger("osteolens")

BLOCK = 1 << 18  # bytes
ZIP_MAGIC = (b"PK\x03\x04", b"PK\x05\x06")


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a server is tried.

    Attributes
    ----------
    attempts
        Tries in a row that bring nothing new before giving up.
    first_delay, longest_delay
        Seconds before the second try, doubled from try to try; and the longest pause.
    timeout
        Seconds of silence after which a connection counts as broken.
    """

    attempts: int = 6
    first_delay: float = 1.0
    longest_delay: float = 60.0
    timeout: float = 30.0


def fetch(release: Release, target: Path, patience: Patience) -> Digests:
    """Bring the ZIP of a release to `target`; a part that an earlier process left is continued.

    Returns
    -------
    Digests
        Of the file, worked out while it came.

    Raises
    ------
    DataError
        No address gives the file, or what came is not the release.
    StorageError
        The disk refuses; what has arrived is kept.
    """
    with Part(target) as part:
        transfer = _Transfer(release, part, patience)
        total = None if release.size is None else release.size // MEBIBYTE
        for _ in track(_per_mebibyte(transfer.positions()), f"downloading {release.name} (MiB)", total=total):
            pass
        if wrong := part.digests.differences(release):
            part.discard()
            raise DataError(
                f"what {part.origin.url} sent is not {release.name}: {wrong}. It was dropped. Run the same command "
                "again; if that does not help, the file on the server was changed."
            )
        part.finish()
    return part.digests


def require_space(folder: Path, needed: int) -> None:
    """Raise :class:`StorageError` unless the disk of `folder` has `needed` bytes free."""
    with storage_errors(folder):
        free = shutil.disk_usage(folder).free
    if free < needed:
        raise StorageError(
            f"no space left in {folder}: {needed / 1e9:.2f} GB are needed, {free / 1e9:.2f} GB are free. "
            "Free some space, or choose another folder with --data."
        )


def _per_mebibyte(positions: Iterator[int]) -> Iterator[None]:
    """Yield once for every MiB that the position passes for the first time."""
    told = 0
    for position in positions:
        while told < position // MEBIBYTE:
            told += 1
            yield


class _Transfer:
    def __init__(self, release: Release, part: Part, patience: Patience) -> None:
        self.release = release
        self.part = part
        self.patience = patience
        self.failures = 0  # tries in a row that brought nothing new
        self.furthest = 0  # bytes of the file that have ever arrived

    def positions(self) -> Iterator[int]:
        """Yield the position in the file as it grows, until the file is complete."""
        yield from self.part.take_stock()
        self.furthest = self.part.position
        *others, last = self.release.urls
        for url in others:
            if (yield from self._given_by(url)):
                return
        yield from self._from(last)

    def _given_by(self, url: str) -> Generator[int, None, bool]:
        try:
            yield from self._from(url)
        except RefusedError as error:
            logger.warning("%s Trying the next address first.", error)
            return False
        return True

    def _from(self, url: str) -> Iterator[int]:
        self.failures = 0
        while not self._complete(url):
            if (yield from self._try(url)):
                return

    def _try(self, url: str) -> Generator[int, None, bool]:
        """Receive until the file is complete (True) or the transfer breaks (False)."""
        try:
            yield from self._receive(url)
        except OutdatedPartError:
            logger.info("the file on the server is another one than the part at hand; starting over")
            self.part.start_over(Origin(url))
            return False
        except TransientError as error:
            self.failures = 1 if self.part.position > self.furthest else self.failures + 1
            self.furthest = max(self.furthest, self.part.position)
            self._pause(url, error)
            return False
        return True

    def _complete(self, url: str) -> bool:
        total = self.release.size if self.release.pinned else self.part.origin.total
        known = self.release.pinned or self.part.origin.url == url
        return known and total is not None and self.part.position == total

    def _pause(self, url: str, error: TransientError) -> None:
        if self.failures >= self.patience.attempts:
            raise RefusedError(
                f"{url}: {error}, {self.failures} times in a row. What has arrived is kept: run the same command again "
                f"later to go on. Or: {BY_HAND}"
            )
        doubled = self.patience.first_delay * 2 ** (self.failures - 1)
        delay = min(max(doubled, error.retry_after), self.patience.longest_delay)
        logger.info("%s; trying again in %.0f s", error, delay)
        time.sleep(delay)

    def _receive(self, url: str) -> Iterator[int]:
        origin = self.part.origin  # its validator means nothing to another server
        validator = origin.validator if origin.url == url else None
        answer = open_at(url, self._resumable(url), validator, self.patience.timeout)
        with closing(answer.stream):
            total = self._agreed_total(answer, url)
            require_space(self.part.path.parent, (total or 0) - answer.start)
            if answer.start == 0:
                head = _zip_head(answer, url)
                self.part.start_over(Origin(url, answer.validator, answer.total))
                self.part.append(head)
            while block := read_some(answer.stream, BLOCK):
                self.part.append(block)
                if total is not None and self.part.position > total:
                    self.part.start_over(Origin(url))
                    raise RefusedError(f"{url} sends more than the {total:,} bytes that the file has. {BY_HAND}")
                yield self.part.position
        if total is not None and self.part.position < total:
            raise TransientError(f"the connection broke after {self.part.position:,} of {total:,} bytes")

    def _resumable(self, url: str) -> int:
        """Return how much of the part may stay: without digests only what the server vouches for."""
        origin, size = self.part.origin, self.release.size
        if self.release.pinned:
            return self.part.position if size is None or self.part.position < size else 0
        return self.part.position if origin.validator is not None and origin.url == url else 0

    def _agreed_total(self, answer: Answer, url: str) -> int | None:
        if self.release.size is not None and answer.total not in {None, self.release.size}:
            raise RefusedError(
                f"{url} offers a file of {answer.total:,} bytes, but {self.release.name} has {self.release.size:,}: "
                "it is another file, or the server is wrong about its length."
            )
        return self.release.size or answer.total


def _zip_head(answer: Answer, url: str) -> bytes:
    """Return the first bytes, once they are those of a ZIP."""
    head = b""
    while len(head) < len(ZIP_MAGIC[0]):
        block = read_some(answer.stream, BLOCK)
        if not block and answer.total != len(head):
            raise TransientError("the connection broke at its beginning")
        if not block:
            break
        head += block
    if not head.startswith(ZIP_MAGIC):
        raise RefusedError(f"{url} answers with something that is not a ZIP. {BY_HAND}")
    return head
