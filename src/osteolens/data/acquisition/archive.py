"""A ZIP of doubtful origin: every member is judged before one is unpacked, and unpacking goes where it was told to."""

from __future__ import annotations

import contextlib
import re
import shutil
import stat
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from osteolens.errors import DataError
from osteolens.progress import track
from osteolens.storage import storage_errors

SMALL = 1 << 20  # bytes below which a high ratio does no harm
ENCRYPTED = 0x1  # bit of a member's flags
_BROKEN = (BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a ZIP may ask of the disk.

    Attributes
    ----------
    members
        Number of files and folders.
    total_bytes, member_bytes
        Unpacked, of all and of one.
    ratio
        Unpacked to packed size of a member, and of all together, above 1 MiB; a deflated bomb reaches 1,032.
    """

    members: int = 500_000
    total_bytes: int = 32 << 30
    member_bytes: int = 1 << 30
    ratio: float = 200.0


@contextlib.contextmanager
def open_archive(path: Path) -> Iterator[ZipFile]:
    """Open a ZIP; a file that is none, or only its beginning, raises :class:`DataError`."""
    try:
        archive = ZipFile(path)
    except FileNotFoundError as error:
        raise DataError(f"{path} does not exist.") from error
    except _BROKEN as error:
        raise DataError(f"{path} is not a whole ZIP: {error}. Fetch it anew.") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}.") from error
    with archive:
        yield archive


def inspect(archive: ZipFile, limits: Limits) -> dict[tuple[str, ...], ZipInfo]:
    """Return the files of a ZIP by the parts of their names, in the order of the ZIP.

    Raises
    ------
    DataError
        A member would leave the folder, is not a plain file, is encrypted or packed in an unusual way, or the whole
        is larger than `limits`. Nothing has been unpacked then.
    """
    infos = archive.infolist()
    if len(infos) > limits.members:
        raise _refusal(archive, f"it holds {len(infos):,} members, more than {limits.members:,}")
    files: dict[tuple[str, ...], ZipInfo] = {}
    seen: set[tuple[str, ...]] = set()
    for info in infos:
        parts = _parts(archive, info)
        _require_plain(archive, info, limits)
        if info.is_dir() or not parts:
            continue
        same = tuple(part.casefold() for part in parts)  # one file on the disks of Windows and macOS
        if same in seen:
            raise _refusal(archive, f"{info.filename!r} is in it twice")
        seen.add(same)
        files[parts] = info
    _require_size(archive, list(files.values()), limits)
    return files


def extract(archive: ZipFile, members: Mapping[str, ZipInfo], folder: Path) -> None:
    """Unpack members to the paths below `folder` that are their keys; every file's CRC is checked.

    Raises
    ------
    DataError
        A member is damaged.
    StorageError
        The disk refuses.
    """
    for name, info in track(list(members.items()), "unpacking"):
        target = folder / name
        with storage_errors(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("xb") as sink:
                _copy(archive, info, sink)


def read_member(archive: ZipFile, info: ZipInfo) -> bytes:
    """Return the content of a member that :func:`inspect` let pass."""
    try:
        return archive.read(info)
    except _BROKEN as error:
        raise _damage(archive, info, error) from error


def _copy(archive: ZipFile, info: ZipInfo, sink: BinaryIO) -> None:
    try:
        with archive.open(info) as source:  # reads no more than the size in the directory, then checks the CRC
            shutil.copyfileobj(source, sink, 1 << 20)
    except _BROKEN as error:
        raise _damage(archive, info, error) from error


def _parts(archive: ZipFile, info: ZipInfo) -> tuple[str, ...]:
    """Return the parts of a member's name; a name that could lead out of the folder is refused, not mended."""
    name = info.filename.replace("\\", "/")
    parts = tuple(part for part in name.split("/") if part not in {"", "."})
    if name.startswith("/") or ".." in parts or re.match(r"[A-Za-z]:", name):
        raise _refusal(archive, f"{info.filename!r} would leave the folder it is unpacked to")
    if not name.isprintable():
        raise _refusal(archive, f"the name {info.filename!r} holds control characters")
    return parts


def _require_plain(archive: ZipFile, info: ZipInfo, limits: Limits) -> None:
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in {0, stat.S_IFREG, stat.S_IFDIR}:
        raise _refusal(archive, f"{info.filename!r} is a link or a device, not a plain file")
    if info.flag_bits & ENCRYPTED:
        raise _refusal(archive, f"{info.filename!r} is encrypted")
    if info.compress_type not in {ZIP_STORED, ZIP_DEFLATED}:
        raise _refusal(archive, f"{info.filename!r} is packed by an unusual method ({info.compress_type})")
    if info.file_size > limits.member_bytes:
        raise _refusal(archive, f"{info.filename!r} would unpack to {info.file_size:,} bytes")
    if info.file_size > SMALL and info.file_size > limits.ratio * info.compress_size:
        raise _refusal(archive, f"{info.filename!r} would unpack to over {limits.ratio:.0f} times its size, as a bomb")


def _require_size(archive: ZipFile, files: list[ZipInfo], limits: Limits) -> None:
    unpacked, packed = sum(info.file_size for info in files), sum(info.compress_size for info in files)
    if unpacked > limits.total_bytes:
        raise _refusal(archive, f"it would unpack to {unpacked:,} bytes")
    if unpacked > SMALL and unpacked > limits.ratio * packed:
        raise _refusal(archive, f"it would unpack to over {limits.ratio:.0f} times its size, as a bomb")
    if packed > Path(str(archive.filename)).stat().st_size:
        raise _refusal(archive, "its members overlap, as in a bomb")


def _refusal(archive: ZipFile, reason: str) -> DataError:
    return DataError(f"{archive.filename} is refused: {reason}. Nothing was unpacked.")


def _damage(archive: ZipFile, info: ZipInfo, error: Exception) -> DataError:
    return DataError(f"{archive.filename} is damaged at {info.filename!r}: {error}. Fetch it anew.")
