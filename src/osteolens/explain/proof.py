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
from osteolens.explain.case_means import CaseMeans, Floats, Members, mean_where_defined
from osteolens.explain.deletion import KINDS, ORDERS, STEPS, Curves, deletion_insertion
from osteolens.explain.fills import FILLS, Fill, confident_from
from osteolens.explain.picture_maps import picture_maps
from osteolens.explain.proof_figure import proof_figure
from osteolens.explain.proof_images import proof_rows
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
        uint8 [N, S, S], already resized, in the order of the table. As many as ``options.proof_images`` are drawn, in
        equal numbers by answered class, or all where there are fewer.
    table
        One part, evaluated by this network.
    out
        Folder for ``sanity.json``, ``sanity.png`` and ``sanity.svg``.

    Returns
    -------
    dict
        What ``sanity.json`` holds. A figure is ``{"value", "low", "high", "n", "reason"}``, intervals by case.
    """
    answers, method = table.probabilities.argmax(axis=1), used_method(model, options.method)
    rows = proof_rows(answers, table.cases, options.proof_images, seed)
    chosen, classes = pictures[rows], answers[rows]
    reasons = {"undefined": "a map is the same everywhere in every image"}
    means = CaseMeans.of(table.cases[rows], classes, resampling, **reasons)
    maps = picture_maps(model, record, chosen, classes, options=options)
    cascade = randomisation_cascade(model, record, chosen, classes, maps, options=options, seed=seed)
    curves = deletion_insertion(model, record, chosen, classes, maps, generator=named_generator(seed, "deletion"))
    members = {name: classes == index for index, name in enumerate(table.class_names)}
    report = {
        IDENTITY: predictions_sha256(table),
        **_drawn_record(table, means, members),
        "method": method,
        "map_class": mapped_class(method, "answered class"),
        "zero_maps": sum(maps[place].is_zero for place in range(len(rows))),
        "confidence": resampling.confidence,
        "resamples": resampling.resamples,
        "resampled_by": "case",
        "randomisation": _cascade_record(cascade, means),
        "deletion_insertion": _deletion_record(curves, means, members),
    }
    write_json(out / "sanity.json", report)
    save_plot(proof_figure(report), out / "sanity")
    return report


def _drawn_record(table: PredictionsTable, means: CaseMeans, members: dict[str, Members]) -> dict[str, Any]:
    available = np.bincount(table.probabilities.argmax(axis=1), minlength=len(members)).tolist()
    drawn = {
        name: means.counts(own) | {"of_images": of} for (name, own), of in zip(members.items(), available, strict=True)
    }
    everything = np.ones(len(means.cases), bool)
    return {**means.counts(everything), "of_images": len(table), "split": table.splits[0], "drawn": drawn}


def _cascade_record(cascade: Cascade, means: CaseMeans) -> dict[str, Any]:
    """Return the likeness after each step, mean of the draws with intervals by case, and the mean of each draw."""
    everything = np.ones(len(cascade.unrelated), bool)
    averaged = mean_where_defined(cascade.likeness)
    of_draws = mean_where_defined(np.moveaxis(cascade.likeness, 2, 0))
    steps = [
        {
            "stage": stage,
            **means.means(LIKENESS, averaged[place], everything),
            "of_draws": dict(zip(LIKENESS, of_draws[:, place].T.tolist(), strict=True)),
        }
        for place, stage in enumerate(cascade.stages)
    ]
    unrelated = means.means(LIKENESS, cascade.unrelated, everything)
    return {"order": "from head to input", "draws": len(of_draws), "steps": steps, "unrelated": unrelated}


def _deletion_record(curves: Curves, means: CaseMeans, members: dict[str, Members]) -> dict[str, Any]:
    return {
        "steps": STEPS,
        "shares": curves.shares,
        "confident_from": confident_from(len(members)),
        "fills": {
            fill: {"fill": words, **_answer_record(curves.answers[fill], list(members))}
            | _curve_record(curves, fill, means, np.ones(len(means.cases), bool))
            | {"per_answered_class": {name: _curve_record(curves, fill, means, own) for name, own in members.items()}}
            for fill, words in FILLS.items()
        },
    }


def _answer_record(answers: Floats, names: list[str]) -> dict[str, Any]:
    """Return the mean answer to wholly filled pictures ([N, C]), and the class of which it is confident, or None."""
    mean = dict(zip(names, answers.mean(axis=0).tolist(), strict=True))
    highest = max(names, key=lambda name: mean[name])
    return {"answer": mean, "confident_of": highest if mean[highest] >= confident_from(len(names)) else None}


def _curve_record(curves: Curves, fill: Fill, means: CaseMeans, members: Members) -> dict[str, Any]:
    """Return, of each kind, the area and the mean curve of each order, and the map's area less that of the others."""
    found: dict[str, Any] = {}
    for kind in KINDS:
        areas = {order: curves.areas(fill, kind, order) for order in ORDERS}
        found[kind] = {
            "auc": {order: means.entry(values, members) for order, values in areas.items()},
            "differences": {
                order: means.entry(areas["map"] - areas[order], members) for order in ORDERS if order != "map"
            },
            "curves": {
                order: rows[members].mean(axis=0) if members.any() else None
                for order, rows in curves.probabilities[fill][kind].items()
            },
        }
    return found
