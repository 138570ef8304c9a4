"""What an audit tells about the LabelMe files of a data set."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from osteolens.data.annotation_files import annotation_files, read_annotation
from osteolens.data.annotations import Annotation, lesion_mask
from osteolens.data.audit.tables import area_bands, class_names, quantiles_by_class
from osteolens.domain import NORMAL, Column, image_stem
from osteolens.errors import DataError
from osteolens.progress import track

_AREA_GRID = 256  # pixels a side: the share of an image is exact to about a hundred-thousandth


@dataclass(frozen=True, slots=True)
class AnnotationScan:
    """The annotations that could be read, by image stem, and a sentence on each that could not."""

    annotations: dict[str, Annotation]
    unreadable: dict[str, str]


def scan_annotations(folder: Path) -> AnnotationScan:
    """Read every LabelMe file and mask of a folder; a folder that does not exist holds none."""
    paths = annotation_files(folder)
    read = {stem: _annotation_or_message(paths[stem]) for stem in track(list(paths), "reading annotations")}
    return AnnotationScan(
        {stem: result for stem, result in read.items() if isinstance(result, Annotation)},
        {stem: result for stem, result in read.items() if isinstance(result, str)},
    )


def _annotation_or_message(path: Path) -> Annotation | str:
    try:
        return read_annotation(path)
    except DataError as error:
        return str(error).replace(str(path), path.name)


def annotation_columns(frame: pd.DataFrame, scan: AnnotationScan) -> pd.DataFrame:
    """Return, for each image: lesions (number), lesion_area (share of the image, union of outlines), annotated size."""
    rows = []
    for image_id in frame[Column.IMAGE_ID]:
        annotation = scan.annotations.get(image_stem(image_id))
        if annotation is None:
            rows.append((0, float("nan"), float("nan"), float("nan")))
            continue
        lesions = len(annotation.lesions)
        area = lesion_mask(annotation, _AREA_GRID, _AREA_GRID).mean() if lesions else float("nan")
        rows.append((lesions, area, annotation.width, annotation.height))
    names = ["lesions", "lesion_area", "annotated_width", "annotated_height"]
    columns: pd.DataFrame = pd.DataFrame(rows, columns=names, index=frame.index)
    return columns


def summarise_annotations(images: pd.DataFrame, scan: AnnotationScan) -> dict[str, Any]:
    """Return counts and oddities.

    Parameters
    ----------
    images
        One row per image: image_id, label, width, height and the columns of :func:`annotation_columns`.
    """
    ids, has_lesion = images[Column.IMAGE_ID], images["lesions"] > 0
    id_of = {image_stem(image_id): image_id for image_id in ids}
    normal = images[Column.LABEL] == NORMAL
    drawn = scan.annotations.items()
    return {
        "files": len(scan.annotations) + len(scan.unreadable),
        "coverage": {
            label: {"images": int(inside.sum()), "annotated": int((inside & has_lesion).sum())}
            for label, inside in ((name, images[Column.LABEL] == name) for name in class_names(images[Column.LABEL]))
        },
        "tumours_without_annotation": ids[~normal & ~has_lesion].tolist() if normal.any() else [],
        "normals_with_annotation": ids[normal & has_lesion].tolist(),
        "without_image": sorted({*scan.annotations, *scan.unreadable} - set(id_of)),
        "unreadable": [{"annotation": stem, "message": message} for stem, message in scan.unreadable.items()],
        "ignored_shapes": [{"annotation": stem, "message": note} for stem, a in drawn for note in a.notes],
        "lesions": sum(len(annotation.lesions) for _, annotation in drawn),
        "polygons": sum(annotation.outline_count for _, annotation in drawn),
        "rectangles": sum(annotation.box_count for _, annotation in drawn),
        "lesions_with_box_only": sum(lesion.outline is None for _, a in drawn for lesion in a.lesions),
        "outline_and_box_counts_differ": [
            {"annotation": stem, "polygons": a.outline_count, "rectangles": a.box_count}
            for stem, a in drawn
            if a.outline_count != a.box_count
        ],
        "lesion_area": quantiles_by_class(images, "lesion_area"),
        "lesion_area_bands": area_bands(images),
        "annotated_width": quantiles_by_class(images, "annotated_width"),
        "annotated_height": quantiles_by_class(images, "annotated_height"),
        "other_size": ids[_has_other_size(images)].tolist(),
        "turned": ids[_is_turned(images)].tolist(),
    }


def _has_other_size(images: pd.DataFrame) -> pd.Series[bool]:
    """Mark the images whose annotation states another size than the file has: it is scaled to the picture."""
    known = images[["width", "annotated_width"]].notna().all(axis=1)
    same = (images["annotated_width"] == images["width"]) & (images["annotated_height"] == images["height"])
    return known & ~same


def _is_turned(images: pd.DataFrame) -> pd.Series[bool]:
    """Mark the images whose annotation states height and width the wrong way round: it was drawn on a turned copy."""
    exchanged = (images["annotated_width"] == images["height"]) & (images["annotated_height"] == images["width"])
    return exchanged & (images["width"] != images["height"])
