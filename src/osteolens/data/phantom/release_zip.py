"""A phantom data set as one ZIP file, with all that is odd about the ZIP of the release."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path

from osteolens.data.phantom.tables import FIXED_TIME
from osteolens.storage import atomic_writer

WRAPPER = "BTXRD"
LOCK_FILE = "~$dataset(total).xlsx"
LOCK_OWNER = "phantom"
LOCK_BYTES = 165
PERMISSIONS = 0o644 << 16


def write_release_zip(root: Path, path: Path) -> Path:
    """Write the data set at `root` as the release packs it; equal data sets give equal bytes. Return `path`.

    Everything lies in a wrapper folder. The annotations are there twice, the second time nested in themselves. The
    metadata are a workbook, without a CSV, next to a lock file that Excel left behind. Cases and truth are not in it.
    """
    with atomic_writer(path) as stream, zipfile.ZipFile(stream, "w") as archive:
        for name, content in _entries(root):
            entry = zipfile.ZipInfo(f"{WRAPPER}/{name}", FIXED_TIME)
            entry.external_attr = PERMISSIONS
            packed = name.startswith("images/")  # JPEG does not shrink further
            entry.compress_type = zipfile.ZIP_STORED if packed else zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    return path


def _entries(root: Path) -> Iterator[tuple[str, bytes]]:
    for folder, inside in (("Annotations", "Annotations"), ("Annotations", "Annotations/Annotations")):
        for file in sorted((root / folder).iterdir()):
            yield f"{inside}/{file.name}", file.read_bytes()
    yield "dataset.xlsx", (root / "dataset.xlsx").read_bytes()
    for file in sorted((root / "images").iterdir()):
        yield f"images/{file.name}", file.read_bytes()
    yield LOCK_FILE, _lock_file()


def _lock_file() -> bytes:
    """Return what Excel writes beside an open workbook: the user's name twice, once per character set."""
    short = bytes([len(LOCK_OWNER)]) + LOCK_OWNER.encode().ljust(54)
    return (short + bytes([len(LOCK_OWNER), 0]) + LOCK_OWNER.ljust(54).encode("utf-16-le")).ljust(LOCK_BYTES, b"\0")
