"""Write a phantom data set in the release's layout, whole or not at all."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2

from osteolens.data.phantom.annotation import annotate, lesion_polygons
from osteolens.data.phantom.cases import Case, plan_cases
from osteolens.data.phantom.render import case_lesions, render_view
from osteolens.data.phantom.tables import case_row, metadata_row, write_tables
from osteolens.domain import image_stem
from osteolens.errors import DataError
from osteolens.progress import track
from osteolens.randomness import named_generator
from osteolens.storage import atomic_writer, read_json, storage_errors, write_json

GENERATOR_VERSION = 1
COMPLETE = "phantom.json"
JPG_EVERY = 70  # one file name in so many ends in .jpg, as in the release


@dataclass(frozen=True)
class _Item:
    image_id: str
    case: Case
    view: int
    copy_of: str | None


def generate_phantom(root: Path, *, images: int, longest_side: int, seed: int) -> None:
    """Write a generated data set in the layout of BTXRD, with known truth for labels, outlines and cases.

    Equal options give bit-identical files. A folder that already holds this very data set is left as it is.

    Parameters
    ----------
    longest_side
        Median longest side of the pictures in pixels; sources differ, classes do not.

    Raises
    ------
    DataError
        `root` holds something else.
    StorageError
        The disk refuses.
    """
    record = {"generator_version": GENERATOR_VERSION, "images": images, "longest_side": longest_side, "seed": seed}
    if _already_there(root, record):
        return
    with storage_errors(root):
        root.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{root.name}.", dir=root.parent))
        try:
            _write(draft, images, longest_side, seed)
            write_json(draft / COMPLETE, record)
            draft.chmod(0o755)
            _move_into_place(draft, root, record)
        finally:
            shutil.rmtree(draft, ignore_errors=True)


def _move_into_place(draft: Path, root: Path, record: dict[str, Any]) -> None:
    """Rename the finished folder; when another process was faster with the same data set, its work stands."""
    if root.exists() and not any(root.iterdir()):
        root.rmdir()
    try:
        draft.rename(root)
    except OSError:
        if not _already_there(root, record):
            raise


def _already_there(root: Path, record: dict[str, Any]) -> bool:
    if not root.exists() or (root.is_dir() and not any(root.iterdir())):
        return False
    if (root / COMPLETE).is_file() and read_json(root / COMPLETE) == record:
        return True
    raise DataError(f"{root} already holds something other than this phantom data set. Choose another folder.")


def _write(root: Path, images: int, longest_side: int, seed: int) -> None:
    for folder in ("images", "Annotations"):
        (root / folder).mkdir()
    metadata, cases = [], []
    items = _items(plan_cases(images, seed))
    for item in track(items, "phantom radiographs"):
        _write_picture(root, item, longest_side, seed)
        sites = frozenset(_sites(item.case, longest_side, seed))
        metadata.append(metadata_row(item.image_id, item.case, item.view, sites))
        cases.append(case_row(item.image_id, item.case))
    write_tables(root, metadata, cases)


def _items(cases: tuple[Case, ...]) -> list[_Item]:
    items: list[_Item] = []
    for case in cases:
        for view in range(len(case.views)):
            number = len(items) + 1
            suffix = "jpg" if number % JPG_EVERY == 3 else "jpeg"
            copy_of = items[-1].image_id if case.duplicated and view == 1 else None
            items.append(_Item(f"IMG{number:06d}.{suffix}", case, view, copy_of))
    return items


def _sites(case: Case, longest_side: int, seed: int) -> list[str]:
    if case.subtype == "synovial osteochondroma":
        return [case.scene.joint]
    return [lesion.host.site for lesion in case_lesions(case, longest_side, seed)]


def _write_picture(root: Path, item: _Item, longest_side: int, seed: int) -> None:
    target = root / "images" / item.image_id
    if item.copy_of is not None:
        shutil.copyfile(root / "images" / item.copy_of, target)
        return
    case = item.case
    render = render_view(case, item.view, longest_side=longest_side, seed=seed)
    done, jpeg = cv2.imencode(".jpg", render.picture, [cv2.IMWRITE_JPEG_QUALITY, render.quality])
    if not done:
        raise DataError(f"{item.image_id} could not be encoded as JPEG.")
    with atomic_writer(target) as stream:
        stream.write(jpeg.tobytes())
    if case.subtype is None:
        return
    polygons = [polygon for mask in render.outlines for polygon in lesion_polygons(mask)]
    looseness = named_generator(seed, "phantom", "box", case.number, item.view)
    shapes = [(str(case.subtype), polygon) for polygon in polygons]
    record = annotate(item.image_id, render.picture.shape[:2], shapes, looseness)
    write_json(root / "Annotations" / f"{image_stem(item.image_id)}.json", record)
