"""``download.json`` in a data root: what was unpacked there, so that a second call knows it again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import osteolens
from osteolens.data.acquisition.digests import Digests
from osteolens.data.acquisition.layout import RECORD
from osteolens.data.acquisition.source import Release
from osteolens.data.acquisition.verify import file_problems, image_problems, read_checksums
from osteolens.errors import DataError
from osteolens.storage import read_json, write_json

FORMAT = 1
_SHOWN = 5
_WAY_OUT = "Choose another folder with --data, or set this one aside with --fresh."


@dataclass(frozen=True, slots=True)
class Record:
    """What stands in a data root.

    Attributes
    ----------
    source
        Address or file name of the ZIP.
    bytes, md5, sha256
        Of the ZIP.
    images, annotations
        Numbers of files.
    verified
        Whether every image has the digest that the release lists.
    put_right
        Sentences on the oddities met.
    """

    data_set: str
    source: str
    bytes: int
    md5: str
    sha256: str
    images: int
    annotations: int
    verified: bool
    put_right: Sequence[str]
    osteolens: str = osteolens.__version__
    format: int = FORMAT

    def write(self, root: Path) -> None:
        """Write the record into a data root."""
        write_json(root / RECORD, asdict(self))


def existing_record(root: Path, release: Release) -> Record | None:
    """Return the record of a release that is complete at `root`, None where nothing stands there.

    Raises
    ------
    DataError
        `root` holds something else, or some of its files are gone or changed.
    """
    if not root.exists() or (root.is_dir() and not any(root.iterdir())):
        return None
    if not (root / RECORD).is_file():
        raise DataError(
            f"{root} already holds something that was not made by osteolens download. If it is a data set unpacked by "
            f"hand, it can be used as it is: osteolens audit --data {root}. {_WAY_OUT}"
        )
    record = _read(root)
    known = release.sha256 == record.sha256 if release.pinned else record.source in release.urls
    if not known:
        raise DataError(f"{root} holds {record.data_set} from {record.source}, not {release.name}. {_WAY_OUT}")
    recorded = read_checksums(root)
    problems = file_problems(root, recorded)
    if release.images is not None:
        problems += image_problems(recorded, release.images)
    if problems:
        raise DataError(f"{root} is no longer as it was unpacked: {shorten(problems)}. {_WAY_OUT}")
    return record


def new_record(release: Release, source: str, digests: Digests, counts: tuple[int, int], notes: list[str]) -> Record:
    """Return the record of a data root that was unpacked and checked; `counts` are images and annotations."""
    return Record(
        data_set=release.name,
        source=source,
        bytes=digests.size,
        md5=digests.md5,
        sha256=digests.sha256,
        images=counts[0],
        annotations=counts[1],
        verified=release.images is not None,
        put_right=tuple(notes),
    )


def shorten(problems: Sequence[str]) -> str:
    """Return the first few problems and the number of the rest."""
    more = f" and {len(problems) - _SHOWN:,} more" if len(problems) > _SHOWN else ""
    return "; ".join(problems[:_SHOWN]) + more


def _read(root: Path) -> Record:
    try:
        record = Record(**read_json(root / RECORD))
    except TypeError as error:
        raise DataError(f"{root / RECORD} is not a record of osteolens download. {_WAY_OUT}") from error
    if record.format != FORMAT:
        raise DataError(f"{root / RECORD} has format {record.format}, this osteolens reads {FORMAT}. {_WAY_OUT}")
    return record
