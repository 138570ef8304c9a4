"""From a network and one part of a data set to galleries, comparison panels and the annotation report."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from osteolens.config import ExplanationOptions
from osteolens.domain import Preprocessing
from osteolens.errors import EvaluationError
from osteolens.evaluation.figures import save_figure
from osteolens.evaluation.parts import IDENTITY, predictions_sha256
from osteolens.evaluation.predictions import PredictionsTable
from osteolens.evaluation.resampling import Resampling
from osteolens.explain.agreement import MapAgreement, score_maps
from osteolens.explain.agreement_report import agreement_report
from osteolens.explain.baselines import score_baselines
from osteolens.explain.cam import MapMethod, mapped_class, used_method
from osteolens.explain.cell_map import CellMap
from osteolens.explain.gallery import Group, choose, gallery_file, gallery_index, index_table
from osteolens.explain.gallery_figure import gallery_figure
from osteolens.explain.map_pictures import write_map_pictures
from osteolens.explain.panels import choose_panels, comparison_figure
from osteolens.explain.picture_maps import picture_maps
from osteolens.explain.score_table import SCORE_TABLE, score_table
from osteolens.explain.shown_maps import ShownImage, shown_image
from osteolens.explain.views import Views, input_views
from osteolens.models.classifier import BTXRDClassifier
from osteolens.storage import write_json, write_table

logger = logging.getLogger("osteolens")

Pictures = NDArray[np.uint8]
Masks = Mapping[int, NDArray[np.uint8]]
Maps = dict[int, CellMap]


def explain_run(
    model: BTXRDClassifier,
    record: Preprocessing,
    pictures: Pictures,
    table: PredictionsTable,
    *,
    masks: Masks,
    all_shapes_masks: Masks,
    views: Views | None = None,
    out: Path,
    options: ExplanationOptions,
    resampling: Resampling,
    seed: int,
) -> dict[str, Any]:
    """Make the maps of one part and write what they show.

    Files: ``gallery_<Class>.png``, ``gallery_index.json`` and ``.csv``, ``annotation_report.json``,
    ``annotation_scores.csv``, ``map_pictures.json`` with the pictures that it names and, where there are annotations,
    ``annotation_comparison.png``.

    Parameters
    ----------
    pictures
        uint8 [N, S, S], already resized, in the order of the table.
    table
        One part, evaluated by this network.
    masks, all_shapes_masks
        Row of the table to its mask at input size, uint8 0/1 [S, S]: lesions by their outline, and the union of
        everything drawn. Rows without an annotation are absent.
    views
        The radiographs as a reader is shown them; None shows the network's inputs.
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
        The closed form or the double resolution was asked for where it is not exact.
    """
    _check(pictures, table, masks, all_shapes_masks)
    annotated = {row: masks[row] for row in sorted(masks) if masks[row].any()}
    groups = choose(table, options.gallery_size)
    needed = sorted({*annotated, *(row for group in groups for row in group.rows)})
    maps, method = _all_maps(model, record, pictures, needed, options), used_method(model, options.method)
    true_maps = {row: heat for row, heat in _maps_of(maps, table.labels).items() if row in annotated}
    agreement = score_maps(true_maps, annotated, all_shapes_masks, options.iou_thresholds)
    baselines = score_baselines(
        model,
        record,
        pictures,
        table.labels,
        agreement=agreement,
        maps=true_maps,
        masks=annotated,
        options=options,
        seed=seed,
    )
    report = agreement_report(agreement, baselines, table, resampling)
    report |= {"method": method, "map_class": mapped_class(method, "true class")}
    report["annotations_outside_the_input"] = len(masks) - len(annotated)
    report[IDENTITY] = predictions_sha256(table)
    _write_report(report, out)
    write_table(out / SCORE_TABLE, score_table(agreement, table))
    views = input_views(pictures, annotated) if views is None else views
    shares = dict(zip(agreement.rows.tolist(), agreement.area_share.tolist(), strict=True))
    shown = {row: shown_image(table, row, heat, shares.get(row), method) for row, heat in maps.items()}
    _write_pictures(groups, table, views, shown=shown, out=out, method=method)
    _write_comparison(agreement, table, views, shown=shown, out=out, method=method, options=options, seed=seed)
    return report


def _write_report(report: dict[str, Any], out: Path) -> None:
    for warning in report["warnings"]:
        logger.warning(warning)
    write_json(out / "annotation_report.json", report)


def _all_maps(
    model: BTXRDClassifier, record: Preprocessing, pictures: Pictures, rows: list[int], options: ExplanationOptions
) -> Maps:
    """Return row to the maps [K, h, w] of all classes, small enough to keep."""
    every = np.tile(np.arange(model.network.num_classes), (len(rows), 1))
    maps = picture_maps(model, record, pictures, every, options=options, rows=rows)
    return {row: maps[place] for place, row in enumerate(rows)}


def _maps_of(maps: Maps, classes: NDArray[np.int64]) -> Maps:
    """Return row to the map [h, w] of that row's class."""
    return {row: heat[classes[row]] for row, heat in maps.items()}


def _write_pictures(
    groups: list[Group],
    table: PredictionsTable,
    views: Views,
    *,
    shown: Mapping[int, ShownImage],
    out: Path,
    method: MapMethod,
) -> None:
    """Write the galleries and the pictures of every map."""
    for name in table.class_names:
        own = [group for group in groups if group.class_name == name]
        save_figure(gallery_figure(own, views, shown=shown, method=method), out / gallery_file(name))
    rows = sorted({row for group in groups for row in group.rows})
    zero = [laid.cells.is_zero for row in rows for laid in shown[row].maps]
    if any(zero):
        logger.warning("%d of %d maps in the galleries are 0 everywhere: no evidence was found.", sum(zero), len(zero))
    asked = "answered class, and true class where that is another"
    index = {"map_class": mapped_class(method, asked), **gallery_index(groups, shown)}
    write_json(out / "gallery_index.json", index)
    write_table(out / "gallery_index.csv", index_table(index))
    write_map_pictures(groups, table, views, shown=shown, out=out, method=method)


def _write_comparison(
    agreement: MapAgreement,
    table: PredictionsTable,
    views: Views,
    *,
    shown: Mapping[int, ShownImage],
    out: Path,
    method: MapMethod,
    options: ExplanationOptions,
    seed: int,
) -> None:
    """Write the comparison panel, where any image is annotated."""
    labels, cases = table.labels[agreement.rows], table.cases[agreement.rows]
    if chosen := choose_panels(agreement, labels, cases, options.comparison_panels, seed):
        figure = comparison_figure(chosen, agreement, views, shown=shown, method=method)
        save_figure(figure, out / "annotation_comparison.png")


def _check(pictures: Pictures, table: PredictionsTable, masks: Masks, all_shapes_masks: Masks) -> None:
    if len(pictures) != len(table):
        raise EvaluationError(f"{len(pictures)} pictures do not belong to a table of {len(table)} images.")
    if set(masks) != set(all_shapes_masks):
        raise EvaluationError("every annotated image needs a mask by outline and a mask of all shapes.")
    if outside := sorted(row for row in masks if not 0 <= row < len(table)):
        raise EvaluationError(f"the masks name row(s) {outside}, but the table has {len(table)} images.")
