"""Every single file of a data root against what it should be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath

from osteolens.data.acquisition.layout import CHECKSUMS, IMAGES, RECORD
from osteolens.domain import image_stem
from osteolens.errors import DataError
from osteolens.progress import track
from osteolens.storage import sha256_file, write_text


def hash_files(root: Path, names: Iterable[str] | None = None) -> dict[str, str]:
    """Return path below `root` to SHA-256, of the files named or of all; a file that is not there has none.

    The records that this package writes into the root are not among "all".
    """
    if names is None:
        found = sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())
        names = [name for name in found if name not in {RECORD, CHECKSUMS}]
    return {name: sha256_file(root / name) for name in track(list(names), "checking files") if (root / name).is_file()}


def image_problems(sums: Mapping[str, str], images: Mapping[str, str]) -> list[str]:
    """Return which images differ from a release's list, one clause per image.

    Parameters
    ----------
    sums
        Path in the data root to SHA-256.
    images
        Image stem to SHA-256, as released.
    """
    found = {image_stem(name): digest for name, digest in sums.items() if PurePosixPath(name).parts[0] == IMAGES}
    problems = [f"{stem} is missing" for stem in images if stem not in found]
    problems += [f"{stem} has other bytes" for stem in images if found.get(stem, images[stem]) != images[stem]]
    return problems + [f"{stem} is not of the release" for stem in found if stem not in images]


def file_problems(root: Path, recorded: Mapping[str, str]) -> list[str]:
    """Return which recorded files of a data root are gone or changed; files that were added do not matter."""
    found = hash_files(root, recorded)
    missing = [f"{name} is missing" for name in recorded if name not in found]
    return missing + [f"{name} has other bytes" for name in found if found[name] != recorded[name]]


def write_checksums(root: Path, sums: Mapping[str, str]) -> Path:
    """Write ``SHA256SUMS`` in the format of ``sha256sum -c``."""
    return write_text(root / CHECKSUMS, "".join(f"{digest}  {name}\n" for name, digest in sums.items()))


def read_checksums(root: Path) -> dict[str, str]:
    """Read ``SHA256SUMS``; a missing or damaged one raises :class:`DataError`."""
    path = root / CHECKSUMS
    try:
        rows = [line.partition("  ") for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read: {error}. Set the folder aside with --fresh.") from error
    return {name: digest for digest, _, name in rows}
