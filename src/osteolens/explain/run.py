"""From a network and one part of a data set to galleries, comparison panels and the annotation report."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from osteolens.config import EvaluationOptions, ExplanationOptions
from osteolens.data.preprocessing import normalise
from osteolens.domain import Preprocessing
from osteolens.errors import EvaluationError
from osteolens.evaluation.figures import save_figure
from osteolens.evaluation.parts import IDENTITY, predictions_sha256
from osteolens.evaluation.predictions import PredictionsTable
from osteolens.explain.agreement import agreement_report, score_maps
from osteolens.explain.cam import MapMethod, class_maps
from osteolens.explain.gallery import Group, choose, gallery_figure, gallery_file, gallery_index, index_table
from osteolens.explain.panels import choose_panels, comparison_figure
from osteolens.models.classifier import BTXRDClassifier
from osteolens.progress import track
from osteolens.storage import write_json, write_table

logger = logging.getLogger("osteolens")

BATCH = 16
Pictures = NDArray[np.uint8]
Masks = Mapping[int, NDArray[np.uint8]]
Maps = dict[int, NDArray[np.float32]]


def explain_run(
    model: BTXRDClassifier,
    record: Preprocessing,
    pictures: Pictures,
    table: PredictionsTable,
    *,
    masks: Masks,
    all_shapes_masks: Masks,
    out: Path,
    options: ExplanationOptions,
    evaluation: EvaluationOptions,
    seed: int,
) -> dict[str, Any]:
    """Make the maps of one part and write what they show.

    Files: ``gallery_<Class>.png``, ``gallery_index.json`` and ``.csv``, ``annotation_report.json`` and, where there are
    annotations, ``annotation_comparison.png``.

    Parameters
    ----------
    pictures
        uint8 [N, S, S], already resized, in the order of the table.
    table
        One part, evaluated by this network.
    masks, all_shapes_masks
        Row of the table to its mask at input size, uint8 0/1 [S, S]: lesions by their outline, and the union of
        everything drawn. Rows without an annotation are absent.
    out
        Folder for the files.

    Returns
    -------
    dict
        What ``annotation_report.json`` holds.

    Raises
    ------
    EvaluationError
        The table and the pictures, or the two kinds of masks, do not belong together.
    ConfigError
        The closed form was asked for where it is not exact.
    """
    _check(pictures, table, masks, all_shapes_masks)
    annotated = {row: masks[row] for row in sorted(masks) if masks[row].any()}
    groups = choose(table, options.gallery_size)
    needed = sorted({*annotated, *(row for group in groups for row in group.rows)})
    maps, method = _all_maps(model, record, pictures, needed, options.method)
    answered = _maps_of(maps, table.probabilities.argmax(axis=1))
    _write_galleries(groups, table, pictures, maps=answered, masks=annotated, out=out)
    true_maps = {row: heat for row, heat in _maps_of(maps, table.labels).items() if row in annotated}
    agreement = score_maps(true_maps, annotated, all_shapes_masks, options.iou_thresholds)
    labels = table.labels[agreement.rows]
    report = agreement_report(
        agreement, table.cases[agreement.rows], labels, table.class_names, options=evaluation, seed=seed
    )
    report |= {"method": method, "annotations_outside_the_input": len(masks) - len(annotated)}
    report[IDENTITY] = predictions_sha256(table)
    for warning in report["warnings"]:
        logger.warning(warning)
    write_json(out / "annotation_report.json", report)
    if chosen := choose_panels(agreement, labels, options.comparison_panels, seed):
        figure = comparison_figure(chosen, agreement, table, pictures, maps=true_maps, masks=annotated)
        save_figure(figure, out / "annotation_comparison.png")
    return report


def _all_maps(
    model: BTXRDClassifier, record: Preprocessing, pictures: Pictures, rows: list[int], method: MapMethod
) -> tuple[Maps, MapMethod]:
    """Return row to the maps [K, h, w] of all classes (small enough to keep), and the method that made them."""
    maps: Maps = {}
    for start in track(range(0, len(rows), BATCH), "class-activation maps"):
        batch = rows[start : start + BATCH]
        images = torch.from_numpy(normalise(pictures[batch], record))
        made = class_maps(model, images, method=method)
        maps.update(zip(batch, made.maps, strict=True))
        method = made.method
    return maps, method


def _maps_of(maps: Maps, classes: NDArray[np.int64]) -> Maps:
    """Return row to the map [h, w] of that row's class."""
    return {row: heat[classes[row]] for row, heat in maps.items()}


def _write_galleries(
    groups: list[Group], table: PredictionsTable, pictures: Pictures, *, maps: Maps, masks: Masks, out: Path
) -> None:
    for name in table.class_names:
        figure = gallery_figure([g for g in groups if g.class_name == name], table, pictures, maps=maps, masks=masks)
        save_figure(figure, out / gallery_file(name))
    index = gallery_index(groups, table, masks)
    write_json(out / "gallery_index.json", index)
    write_table(out / "gallery_index.csv", index_table(index))


def _check(pictures: Pictures, table: PredictionsTable, masks: Masks, all_shapes_masks: Masks) -> None:
    if len(pictures) != len(table):
        raise EvaluationError(f"{len(pictures)} pictures do not belong to a table of {len(table)} images.")
    if set(masks) != set(all_shapes_masks):
        raise EvaluationError("every annotated image needs a mask by outline and a mask of all shapes.")
    if outside := sorted(row for row in masks if not 0 <= row < len(table)):
        raise EvaluationError(f"the masks name row(s) {outside}, but the table has {len(table)} images.")
