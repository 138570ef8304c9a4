"""One answer for all views of a case beside the answer to one of its views.

Both are counted by case. For the single view, one is drawn evenly from each case; told is the figure to be expected.
That needs no draws: shares of cases are linear in each case, and an AUC is a mean over pairs of a positive and a
negative case, whose draws are independent, so its expectation is the AUC with weight 1 / m for each of m views.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from osteolens.domain import POOLED_SOURCE, Column
from osteolens.evaluation.calibration import Scaling
from osteolens.evaluation.case_answer import RULE, answer_case
from osteolens.evaluation.entries import case_mean_entry, share_entry
from osteolens.evaluation.estimates import Estimates, Place, by_metric, metric_intervals
from osteolens.evaluation.headline import METRICS, reasons_of
from osteolens.evaluation.metrics import Floats, compute_metrics
from osteolens.evaluation.paired import p_value_of
from osteolens.evaluation.predictions import PredictionsTable
from osteolens.evaluation.resampling import Resampling

CLASS_FIGURES = ("sensitivity", "auc")
NO_VIEWS = "no evaluated case with one label is known to have several views"

Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class _Cases:
    """Some views, and the answers for their cases.

    Attributes
    ----------
    views
        One row per view, with the probabilities to be combined.
    answers
        One row per case, sorted by case, whose image id is its case id.
    case_of_view
        [N] row of each view's case in `answers`.
    agree, divergence
        [C] whether all views of a case name one class, and how far the two that are least alike are apart, in bits, NaN
        of a single view.
    """

    views: PredictionsTable
    answers: PredictionsTable
    case_of_view: NDArray[np.intp]
    agree: Flags
    divergence: Floats

    @classmethod
    def of(cls, views: PredictionsTable) -> _Cases:
        """Answer each case; all its views must have one label."""
        cases, first, case_of_view = np.unique(views.cases, return_index=True, return_inverse=True)
        probabilities, names = views.probabilities, views.class_names
        answered = [answer_case(probabilities[case_of_view == row], names) for row in range(len(cases))]
        answers = PredictionsTable.from_arrays(
            names,
            image_ids=cases,
            labels=views.frame[Column.LABEL].to_numpy()[first],
            probabilities=np.array([[own.probabilities[name] for name in names] for own in answered]),
            case_id=cases,
            split=views.splits[0],
        )
        divergence = [np.nan if own.divergence is None else own.divergence for own in answered]
        agree = np.array([own.agrees for own in answered])
        return cls(views, answers, case_of_view, agree, np.array(divergence))

    @property
    def sizes(self) -> NDArray[np.intp]:
        """[C] number of views."""
        return np.bincount(self.case_of_view)


def several_views(table: PredictionsTable, scaling: Scaling | None, resampling: Resampling) -> dict[str, Any]:
    """Compare the answers for cases with those for single views.

    Parameters
    ----------
    table
        One part only, with the cases and sources that are known.
    scaling
        Temperature by which all probabilities are calibrated first; None leaves them as predicted.
    resampling
        Cases are drawn; both answers and their difference are measured on the same draws.

    Returns
    -------
    dict
        For ``case_answers.json``: ``split``, ``class_names``, ``confidence``, ``resamples``, ``resampled_by``,
        ``rule``, ``probabilities`` (``temperature`` or ``as_predicted``), ``excluded`` (``grouped`` by sex and age,
        which are several patients, and ``several_labels``: ``n`` images and ``cases`` of each) and ``possible``. Where
        it is not, ``reason``. Else ``several_views`` and ``all_cases``, each with ``n``, ``cases``,
        ``per_class_cases`` and the figures ``case_answer``, ``single_view`` and ``difference``, the first less the
        second, with ``p_value``; and ``agreement`` of the cases with several views: how often the answer is right where
        all views ``agree`` on a class and where they ``differ``, and ``median_divergence_bits``, the median over the
        cases of the divergence of the two views that are least alike.

    Notes
    -----
    Limits of the case answer are those of :func:`~osteolens.evaluation.estimates.metric_intervals`. Of the single view
    and of differences they are percentiles, of its accuracy and sensitivity Wilson's on the number of cases.
    """
    probabilities = table.probabilities if scaling is None else scaling.apply(table.probabilities)
    kept, excluded = _one_patient_one_label(table)
    record = {
        "split": table.splits[0],
        "class_names": list(table.class_names),
        "confidence": resampling.confidence,
        "resamples": resampling.resamples,
        "resampled_by": "case",
        "rule": RULE,
        "probabilities": "as_predicted" if scaling is None else "temperature",
        "excluded": excluded,
    }
    several = kept & _in_larger_case(table.cases, kept)
    if not several.any():
        return record | {"possible": False, "reason": NO_VIEWS}
    views, seen = (_Cases.of(_chosen(table, probabilities, mask)) for mask in (several, kept))
    return record | {
        "possible": True,
        "several_views": _compared(views, resampling),
        "all_cases": _compared(seen, resampling),
        "agreement": _agreement(views, resampling.confidence),
    }


def _one_patient_one_label(table: PredictionsTable) -> tuple[Flags, dict[str, dict[str, int]]]:
    """Return [N] which images are kept, and how many are not."""
    grouped = (table.frame[Column.SOURCE] == POOLED_SOURCE).to_numpy()
    labels = table.frame.groupby(Column.CASE)[Column.LABEL].transform("nunique").to_numpy()
    mixed = (labels > 1) & ~grouped
    counts = {
        name: {"n": int(mask.sum()), "cases": int(np.unique(table.cases[mask]).size)}
        for name, mask in (("grouped", grouped), ("several_labels", mixed))
    }
    return ~(grouped | mixed), counts


def _in_larger_case(cases: NDArray[np.str_], kept: Flags) -> Flags:
    """Return [N] whether an image has another one of its case among those kept."""
    case_of_image = np.unique(cases, return_inverse=True)[1]
    several: Flags = np.bincount(case_of_image, weights=kept)[case_of_image] > 1
    return several


def _chosen(table: PredictionsTable, probabilities: Floats, mask: Flags) -> PredictionsTable:
    return PredictionsTable.from_arrays(
        table.class_names,
        image_ids=table.frame[Column.IMAGE_ID].to_numpy()[mask],
        labels=table.frame[Column.LABEL].to_numpy()[mask],
        probabilities=probabilities[mask],
        case_id=table.cases[mask],
        split=table.splits[0],
    )


def _compared(own: _Cases, resampling: Resampling) -> dict[str, Any]:
    answers, names = own.answers, own.answers.class_names
    drawn = resampling.weights(answers.cases, answers.labels)
    of_views = (np.ones((1, len(answers))) / own.sizes, drawn / own.sizes)  # the views of a case share its weight
    single = [compute_metrics(own.views.labels, own.views.probabilities, w[:, own.case_of_view]) for w in of_views]
    whole = [compute_metrics(answers.labels, answers.probabilities, w) for w in (np.ones((1, len(answers))), drawn)]
    points = [{name: value[0] for name, value in found[0].items()} for found in (whole, single)]
    reasons, confidence = reasons_of(answers), resampling.confidence
    estimates = Estimates.of_difference(points, [whole[1], single[1]], confidence, reasons)
    alone = Estimates(points[1], single[1], None, confidence, reasons)

    def difference(metric: str, name: str | None, place: Place) -> dict[str, Any]:
        found = estimates.entry(metric, name, place)
        concerned = answers.cases[answers.labels == place[0]] if metric == "sensitivity" else answers.cases
        return found | p_value_of(found, estimates.drawn(metric, place), concerned, confidence)

    return {
        "n": len(own.views),
        "cases": len(answers),
        "per_class_cases": dict(zip(names, np.bincount(answers.labels, minlength=len(names)).tolist(), strict=True)),
        "case_answer": _chosen_figures(metric_intervals(answers, resampling)),
        "single_view": _chosen_figures(by_metric(names, alone.entry)) | _shares(own.views, confidence),
        "difference": _chosen_figures(by_metric(names, difference)),
    }


def _chosen_figures(figures: dict[str, Any]) -> dict[str, Any]:
    """Return those figures that are an expectation over single views."""
    of_classes = {key: {name: own[key] for name, own in figures["per_class"].items()} for key in CLASS_FIGURES}
    return {**{metric: figures["overall"][metric] for metric in METRICS}, **of_classes}


def _shares(views: PredictionsTable, confidence: float) -> dict[str, Any]:
    """Return the shares of single views that are right, each case counted once."""
    labels, cases = views.labels, views.cases
    right = views.probabilities.argmax(axis=1) == labels

    def share(counted: Flags) -> dict[str, Any]:
        return case_mean_entry(right[counted], cases[counted], confidence) | {"method": "wilson"}

    by_class = {name: share(labels == k) for k, name in enumerate(views.class_names)}
    return {"accuracy": share(np.ones(len(views), dtype=bool)), "sensitivity": by_class}


def _agreement(own: _Cases, confidence: float) -> dict[str, Any]:
    right = own.answers.probabilities.argmax(axis=1) == own.answers.labels
    return {
        "agree": share_entry(right[own.agree], own.answers.cases[own.agree], confidence),
        "differ": share_entry(right[~own.agree], own.answers.cases[~own.agree], confidence),
        "median_divergence_bits": float(np.median(own.divergence)),
    }
