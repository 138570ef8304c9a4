"""Size, MD5 and SHA-256 of a file in one pass, and how they differ from what a release should have."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from osteolens.data.acquisition.source import Release
from osteolens.errors import DataError
from osteolens.progress import track

MEBIBYTE = 1 << 20


class Digests:
    """Running size and digests."""

    def __init__(self) -> None:
        self.size = 0
        self._md5 = hashlib.md5(usedforsecurity=False)  # published beside the file; the SHA-256 is what protects
        self._sha256 = hashlib.sha256()

    def update(self, block: bytes | memoryview) -> None:
        """Take in the next bytes."""
        self.size += len(block)  # of single bytes, in a memoryview too
        self._md5.update(block)
        self._sha256.update(block)

    @property
    def md5(self) -> str:
        """MD5 in hexadecimal."""
        return self._md5.hexdigest()

    @property
    def sha256(self) -> str:
        """SHA-256 in hexadecimal."""
        return self._sha256.hexdigest()

    def differences(self, release: Release) -> str:
        """Return how this file differs from the release, "" where it is the release or nothing is known of it."""
        if release.size not in {None, self.size}:
            return f"it has {self.size:,} bytes, the release has {release.size:,}"
        pairs = [("MD5", self.md5, release.md5), ("SHA-256", self.sha256, release.sha256)]
        wrong = [f"its {name} is {found}, not {wanted}" for name, found, wanted in pairs if wanted not in {None, found}]
        return " and ".join(wrong)


def digest_file(path: Path, description: str) -> Digests:
    """Return size and digests of a file, telling how far it is in MiB."""
    digests = Digests()
    try:
        blocks = path.stat().st_size // MEBIBYTE + 1
        for block in track(_blocks(path), f"{description} (MiB)", total=blocks):
            digests.update(block)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}.") from error
    return digests


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as stream:
        while block := stream.read(MEBIBYTE):
            yield block
