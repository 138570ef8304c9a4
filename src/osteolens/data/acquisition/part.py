"""What has arrived of a file so far: on disk, hashed as it comes; it outlives any end of the process."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType

from typing_extensions import Self

from osteolens.data.acquisition.digests import MEBIBYTE, Digests
from osteolens.errors import DataError
from osteolens.storage import read_json, storage_errors, write_json


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a part came from, and which version of the file it belongs to (see :class:`web.Answer`)."""

    url: str = ""
    validator: str | None = None
    total: int | None = None


class Part:
    """``<file>.part`` with its origin in ``<file>.json``; bytes reach the disk without a buffer of this process."""

    def __init__(self, target: Path) -> None:
        self.target = target
        self.path = part_path(target)
        with storage_errors(self.path):
            target.parent.mkdir(parents=True, exist_ok=True)
            self._stream = self.path.open("a+b", buffering=0)
        self.origin = read_origin(target)
        self.digests = Digests()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stream.close()

    @property
    def position(self) -> int:
        """Bytes that have arrived and are taken into the digests."""
        return self.digests.size

    def take_stock(self) -> Iterator[int]:
        """Hash what an earlier process left, yielding the position after every block."""
        with storage_errors(self.path):
            self._stream.seek(0)
            while block := self._stream.read(MEBIBYTE):
                self.digests.update(block)
                yield self.position

    def start_over(self, origin: Origin) -> None:
        """Drop all bytes: another version of the file comes."""
        with storage_errors(self.path):
            self._stream.truncate(0)
        self.digests = Digests()
        self.origin = origin
        write_json(_origin_path(self.target), asdict(origin))

    def append(self, block: bytes) -> None:
        """Write the next bytes."""
        with storage_errors(self.path):
            rest = memoryview(block)
            while rest:
                written = self._stream.write(rest)
                self.digests.update(rest[:written])
                rest = rest[written:]

    def discard(self) -> None:
        """Remove the bytes and their origin."""
        self._stream.close()
        self.path.unlink(missing_ok=True)
        _origin_path(self.target).unlink(missing_ok=True)

    def finish(self) -> None:
        """Give the complete file its name."""
        with storage_errors(self.target):
            self._stream.close()
            self.path.replace(self.target)


def part_path(target: Path) -> Path:
    """Return where the part of a file lies."""
    return target.with_name(f"{target.name}.part")


def read_origin(target: Path) -> Origin:
    """Return the origin noted for a file; an empty one where there is no readable note."""
    try:
        return Origin(**read_json(_origin_path(target)))
    except (DataError, TypeError):
        return Origin()


def _origin_path(target: Path) -> Path:
    return target.with_name(f"{target.name}.json")
