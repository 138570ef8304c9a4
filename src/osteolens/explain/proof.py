"""What proves that the maps of a run mean something: randomised weights, deletion and insertion."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from osteolens.config import ExplanationOptions
from osteolens.domain import Preprocessing
from osteolens.evaluation.figures import save_plot
from osteolens.evaluation.parts import IDENTITY, predictions_sha256
from osteolens.evaluation.predictions import PredictionsTable
from osteolens.evaluation.resampling import Resampling
from osteolens.explain.cam import mapped_class, used_method
from osteolens.explain.case_means import CaseMeans, Members
from osteolens.explain.deletion import BLUR, KINDS, ORDERS, STEPS, Curves, deletion_insertion
from osteolens.explain.picture_maps import picture_maps
from osteolens.explain.proof_figure import proof_figure
from osteolens.explain.sanity import LIKENESS, Cascade, randomisation_cascade
from osteolens.models.classifier import BTXRDClassifier
from osteolens.randomness import named_generator
from osteolens.storage import write_json

PROOF_FILES = ("sanity.json", "sanity.png", "sanity.svg")


def prove_run(
    model: BTXRDClassifier,
    record: Preprocessing,
    pictures: NDArray[np.uint8],
    table: PredictionsTable,
    *,
    out: Path,
    options: ExplanationOptions,
    resampling: Resampling,
    seed: int,
) -> dict[str, Any]:
    """Try the maps of the answered class on pictures of one part, and write ``sanity.json`` and its figure.

    Parameters
    ----------
    pictures
        uint8 [N, S, S], already resized, in the order of the table. As many as ``options.proof_images`` are drawn, or
        all where there are fewer.
    table
        One part, evaluated by this network.
    out
        Folder for ``sanity.json``, ``sanity.png`` and ``sanity.svg``.

    Returns
    -------
    dict
        What ``sanity.json`` holds. A figure is ``{"value", "low", "high", "n", "reason"}``, intervals by case.
    """
    drawn = named_generator(seed, "proof").permutation(len(table))[: options.proof_images]
    rows, method = np.sort(drawn), used_method(model, options.method)
    chosen, classes = pictures[rows], table.probabilities.argmax(axis=1)[rows]
    reasons = {"undefined": "a map is the same everywhere in every image"}
    means = CaseMeans.of(table.cases[rows], table.labels[rows], resampling, **reasons)
    maps = picture_maps(model, record, chosen, classes, options=options)
    cascade = randomisation_cascade(model, record, chosen, classes, maps, options=options, seed=seed)
    orders = named_generator(seed, "deletion")
    curves = deletion_insertion(model, record, chosen, classes, maps, generator=orders)
    everything = np.ones(len(rows), bool)
    report = {
        IDENTITY: predictions_sha256(table),
        **means.counts(everything),
        "of_images": len(table),
        "split": table.splits[0],
        "method": method,
        "map_class": mapped_class(method, "answered class"),
        "zero_maps": sum(maps[place].is_zero for place in range(len(rows))),
        "confidence": resampling.confidence,
        "resamples": resampling.resamples,
        "resampled_by": "case",
        "randomisation": _cascade_record(cascade, means),
        "deletion_insertion": {
            "steps": STEPS,
            "fill": f"the picture blurred by a Gaussian, standard deviation {BLUR:g} of its side",
            "shares": curves.shares,
            **_curve_record(curves, means, everything),
            "per_answered_class": {
                name: means.counts(classes == index) | _curve_record(curves, means, classes == index)
                for index, name in enumerate(table.class_names)
            },
        },
    }
    write_json(out / "sanity.json", report)
    save_plot(proof_figure(report), out / "sanity")
    return report


def _cascade_record(cascade: Cascade, means: CaseMeans) -> dict[str, Any]:
    everything = np.ones(len(cascade.unrelated), bool)
    steps = [
        {"stage": stage, **means.means(LIKENESS, found, everything)}
        for stage, found in zip(cascade.stages, cascade.likeness, strict=True)
    ]
    unrelated = means.means(LIKENESS, cascade.unrelated, everything)
    return {"order": "from head to input", "steps": steps, "unrelated": unrelated}


def _curve_record(curves: Curves, means: CaseMeans, members: Members) -> dict[str, Any]:
    """Return, of each kind, the area and the mean curve of each order, and the map's area less that of the others."""
    found: dict[str, Any] = {}
    for kind in KINDS:
        areas = {order: curves.areas(kind, order) for order in ORDERS}
        found[kind] = {
            "auc": {order: means.entry(values, members) for order, values in areas.items()},
            "differences": {
                order: means.entry(areas["map"] - areas[order], members) for order in ORDERS if order != "map"
            },
            "curves": {
                order: rows[members].mean(axis=0) if members.any() else None
                for order, rows in curves.probabilities[kind].items()
            },
        }
    return found
