"""A download from beginning to end: the data root is whole and checked, or it is not there."""

from __future__ import annotations

import logging
import shutil
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from osteolens.config import DataOptions
from osteolens.data.acquisition.archive import Limits, extract, inspect, open_archive, read_member
from osteolens.data.acquisition.digests import Digests, digest_file
from osteolens.data.acquisition.layout import ANNOTATIONS, IMAGES, complete_metadata, plan_layout
from osteolens.data.acquisition.part import part_path, read_origin
from osteolens.data.acquisition.places import Places, set_aside
from osteolens.data.acquisition.record import Record, existing_record, new_record, shorten
from osteolens.data.acquisition.source import Release
from osteolens.data.acquisition.transfer import Patience, fetch, require_space
from osteolens.data.acquisition.verify import hash_files, image_problems, write_checksums
from osteolens.data.sources import read_source
from osteolens.errors import DataError
from osteolens.storage import storage_errors

logger = logging.getLogger("osteolens")


@dataclass(frozen=True, slots=True)
class Acquisition:
    """What stands at the data root now.

    Attributes
    ----------
    already_there
        Whether an earlier call had done all this; its files were checked again.
    notice
        Terms of use and citation.
    kept_zip
        The ZIP, where one was downloaded and kept.
    """

    root: Path
    record: Record
    already_there: bool
    notice: str
    kept_zip: Path | None

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)


def download(
    root: Path,
    release: Release,
    *,
    from_zip: Path | None = None,
    keep_zip: bool = True,
    fresh: bool = False,
    patience: Patience | None = None,
) -> Acquisition:
    """Bring a data set to `root`, checked file by file; what an earlier call left unfinished is continued.

    Parameters
    ----------
    from_zip
        A copy of the ZIP that is already at hand; it is checked like a downloaded one, and left alone.
    keep_zip
        Keep the downloaded ZIP as ``<root>.zip``.
    fresh
        Begin anew, and rename what stands at `root` when its successor is ready.

    Raises
    ------
    DataError
        The ZIP cannot be had, is not the release, or is unsafe; or `root` holds something else. `root` is as before.
    StorageError
        The disk refuses, or another process is at work on `root`.
    """
    places = Places.of(root)
    digests = None
    if from_zip is not None:
        digests = _matching_digests(from_zip, release)
        release = replace(release, size=digests.size, md5=digests.md5, sha256=digests.sha256)
    with places.exclusive():
        record = None if fresh else existing_record(places.root, release)
        already_there = record is not None
        archive = places.archive
        if record is None:
            if from_zip is None or digests is None:
                archive, digests = _obtain(places, release, patience or Patience())
            source = release.urls[0] if from_zip is None else from_zip.name
            record = _unpack(places, release, source, from_zip or archive, digests)
        kept = None if from_zip is not None else _keep_or_drop(places, archive, keep=keep_zip)
        shutil.rmtree(places.work, ignore_errors=True)
    return Acquisition(root, record, already_there, release.notice, kept)


def _matching_digests(path: Path, release: Release) -> Digests:
    digests = digest_file(path, f"checking {path.name}")
    if wrong := digests.differences(release):
        raise DataError(
            f"{path} is not {release.name}: {wrong}. Fetch it anew; or, if it is meant to be another data set in the "
            "same layout, add --any-zip."
        )
    return digests


def _obtain(places: Places, release: Release, patience: Patience) -> tuple[Path, Digests]:
    """Return a ZIP that an earlier call brought, checked again, or fetch it."""
    if release.pinned and places.kept_zip.is_file():
        digests = digest_file(places.kept_zip, f"checking {places.kept_zip.name}")
        if not (wrong := digests.differences(release)):
            return places.kept_zip, digests
        logger.warning("%s is not %s: %s.", places.kept_zip, release.name, wrong)
        set_aside(places.kept_zip, "rejected")
    if places.archive.is_file():
        digests = digest_file(places.archive, f"checking {places.archive.name}")
        known = release.pinned or read_origin(places.archive).url in release.urls
        if known and not digests.differences(release):
            return places.archive, digests
        places.archive.unlink()
    if release.size is not None:
        part = part_path(places.archive)
        arrived = part.stat().st_size if part.is_file() else 0
        require_space(places.root.parent, release.size - arrived + release.unpacked_size)
    return places.archive, fetch(release, places.archive, patience)


def _unpack(places: Places, release: Release, source: str, archive: Path, digests: Digests) -> Record:
    """Unpack beside the data root, check everything, and only then give the folder its name."""
    draft = places.draft
    with storage_errors(draft):
        shutil.rmtree(draft, ignore_errors=True)  # what a killed call left
        draft.mkdir(parents=True)
    try:
        notes = _fill(draft, archive)
        sums = hash_files(draft)
        if release.images is not None and (problems := image_problems(sums, release.images)):
            raise DataError(f"the images in {archive} are not those of {release.name}: {shorten(problems)}.")
        counts = tuple(sum(name.startswith(f"{folder}/") for name in sums) for folder in (IMAGES, ANNOTATIONS))
        record = new_record(release, source, digests, (counts[0], counts[1]), notes)
        write_checksums(draft, sums)
        record.write(draft)
        _give_name(draft, places.root)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return record


def _fill(draft: Path, path: Path) -> list[str]:
    """Unpack into `draft` and put the oddities right; return what was put right."""
    with open_archive(path) as archive:
        members = inspect(archive, Limits())
        plan = plan_layout(members)
        chosen = {target: members[parts] for target, parts in plan.files.items()}
        require_space(draft, sum(info.file_size for info in chosen.values()))
        extract(archive, chosen, draft)
        notes = plan.put_right()
        differing = [
            target
            for target, parts in plan.twins.items()
            if read_member(archive, members[parts]) != (draft / target).read_bytes()
        ]
    if differing:
        names = shorten(differing)
        notes.append(f"{len(differing):,} nested annotation(s) differ from the outer ones, which were kept: {names}")
        logger.warning(notes[-1])
    try:
        notes += complete_metadata(draft)
        missing = read_source(DataOptions(root=draft)).files.missing
    except DataError as error:
        raise DataError(str(error).replace(str(draft), path.name)) from error
    if missing:
        logger.warning("%d row(s) of the table have no picture: %s", len(missing), shorten(list(missing)))
    return notes


def _give_name(draft: Path, root: Path) -> None:
    with storage_errors(root):
        if root.is_dir() and not any(root.iterdir()):
            root.rmdir()
    if root.exists():
        set_aside(root, "previous")
    with storage_errors(root):
        draft.rename(root)


def _keep_or_drop(places: Places, archive: Path, *, keep: bool) -> Path | None:
    """Move the downloaded ZIP to where it stays, or remove it."""
    if not archive.is_file():
        return None
    with storage_errors(archive):
        if not keep:
            archive.unlink()
            return None
        if archive != places.kept_zip:
            if places.kept_zip.exists():
                set_aside(places.kept_zip, "previous")
            archive.rename(places.kept_zip)
    return places.kept_zip
