"""Write a phantom data set in the release's layout, whole or not at all."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

import cv2

from osteolens.config import PhantomOptions
from osteolens.data.phantom.annotation import annotate, lesion_polygons
from osteolens.data.phantom.cases import Case, plan_cases
from osteolens.data.phantom.colour import coloured
from osteolens.data.phantom.markers import Marker
from osteolens.data.phantom.oddities import Item, plan_items
from osteolens.data.phantom.render import case_lesions, render_view
from osteolens.data.phantom.tables import case_row, metadata_row, truth_row, write_tables
from osteolens.domain import image_stem
from osteolens.errors import DataError
from osteolens.progress import track
from osteolens.randomness import named_generator
from osteolens.storage import atomic_writer, read_json, storage_errors, write_json

GENERATOR_VERSION = 2
COMPLETE = "phantom.json"


def generate_phantom(root: Path, *, seed: int, **options: Any) -> None:
    """Write a generated data set in the layout of BTXRD, with known truth for labels, outlines, cases and shortcuts.

    Equal options give bit-identical files. A folder that already holds this very data set is left as it is.

    Parameters
    ----------
    options
        Fields of :class:`osteolens.config.PhantomOptions`.

    Raises
    ------
    DataError
        `root` holds something else, or the cases do not have room for the duplicates asked for.
    StorageError
        The disk refuses.
    """
    chosen = PhantomOptions(**options)
    record = {"generator_version": GENERATOR_VERSION, "seed": seed, **chosen.model_dump(mode="json")}
    if _already_there(root, record):
        return
    with storage_errors(root):
        root.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{root.name}.", dir=root.parent))
        try:
            _write(draft, chosen, seed)
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
    raise DataError(
        f"{root} already holds something other than this phantom data set. Choose another folder, or remove it."
    )


def _write(root: Path, options: PhantomOptions, seed: int) -> None:
    for folder in ("images", "Annotations"):
        (root / folder).mkdir()
    metadata, cases, truth = [], [], []
    for item in track(plan_items(plan_cases(options, seed), options, seed), "phantom radiographs"):
        marker = _write_picture(root, item, options, seed)
        metadata.append(metadata_row(item, _sites(item.listed.case, options, seed)))
        cases.append(case_row(item))
        truth.append(truth_row(item, marker))
    write_tables(root, metadata, cases, truth)


def _sites(case: Case, options: PhantomOptions, seed: int) -> frozenset[str]:
    """Return the sites of the lesions; of a normal the site that was taken, unless the metadata shortcut empties it."""
    if case.subtype == "synovial osteochondroma":
        return frozenset({case.scene.joint})
    if case.subtype is not None:
        return frozenset(lesion.host.site for lesion in case_lesions(case, options, seed))
    generator = named_generator(seed, "phantom", "site", case.number)
    host = case.scene.hosts[int(generator.integers(len(case.scene.hosts)))]
    return frozenset() if generator.random() < options.shortcuts.metadata else frozenset({host.site})


def _write_picture(root: Path, item: Item, options: PhantomOptions, seed: int) -> Marker | None:
    """Write image and annotation; return the marker. A copy is made anew: equal draws give equal bytes."""
    case, view = item.shown.case, item.shown.view
    render = render_view(case, view, options, seed=seed)
    picture = render.picture
    if item.colouring is not None:
        picture = coloured(picture, item.colouring, named_generator(seed, "phantom", "colour", case.number, view))
    done, jpeg = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, render.quality])
    if not done:
        raise DataError(f"{item.image_id} could not be encoded as JPEG.")
    with atomic_writer(root / "images" / item.image_id) as stream:
        stream.write(jpeg.tobytes())
    if item.annotated:
        polygons = [polygon for mask in render.outlines for polygon in lesion_polygons(mask)]
        looseness = named_generator(seed, "phantom", "box", case.number, view)
        shapes = [(str(case.subtype), polygon) for polygon in polygons]
        record = annotate(item.image_id, picture.shape[:2], shapes, looseness)
        write_json(root / "Annotations" / f"{image_stem(item.image_id)}.json", record)
    return render.marker
