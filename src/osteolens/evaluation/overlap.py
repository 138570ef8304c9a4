"""The difference of two runs that were tested on different images of one data set, some of which both were tested on.

Test parts of two splits overlap by chance. Resampling them as if they had nothing in common forgets that a case in
both is hard or easy for both runs; a paired comparison needs the same images. Here the cases of both parts are drawn
together, once for both: a case drawn m times counts m times in every part that holds it, and nothing in the other.

A case's stratum is the pair of its strata in the two parts (:func:`osteolens.evaluation.bootstrap.case_strata`), with
"not in this part" as one more. In each stratum as many cases are drawn as it has, so that every resample of either part
has that part's own number of cases of each class. With f the figure, A and B the parts, and w the counts of the draw,

    d* = f(A; w on the cases of A) - f(B; w on the cases of B),

and the limits are percentiles of d*. To first order, for a figure that is a mean over cases, the variance of d* is

    var(A only) + var(B only) + var(a - b over the cases in both),

each the sum over strata of the variances within. Without a case in common the last term is gone, and the draw is that
of two independent bootstraps; with the same images in both the first two are gone, and the draw is the paired one of
:mod:`osteolens.evaluation.paired`, to the digit. A stratum of a single case does not vary and adds nothing, so the
interval is a little too narrow where many strata are that small.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from osteolens.domain import Column, image_stem
from osteolens.errors import EvaluationError
from osteolens.evaluation.alignment import named
from osteolens.evaluation.bootstrap import case_strata, draw_cases
from osteolens.evaluation.estimates import Estimates, Place, by_metric, defined
from osteolens.evaluation.fixed_specificity import AT_SPECIFICITY, compared_metrics, compared_points, compared_reasons
from osteolens.evaluation.headline import chosen_figures
from osteolens.evaluation.metrics import Floats
from osteolens.evaluation.predictions import PredictionsTable
from osteolens.evaluation.resampling import Resampling
from osteolens.randomness import named_generator

Weights = NDArray[np.int32]


def overlapping_difference(first: PredictionsTable, second: PredictionsTable, resampling: Resampling) -> dict[str, Any]:
    """Return `first` minus `second` in every headline figure, with the cases of both drawn jointly.

    Parameters
    ----------
    first, second
        One part each, with the same classes; case ids of one data set, so that equal ids mean the same case.

    Returns
    -------
    dict
        ``overlap``: ``cases_first``, ``cases_second``, ``cases_both`` and ``images_both``. ``figures``: an entry
        ``{"first", "second", "value", "low", "high", "reason", "method"}`` for each headline figure, ``sensitivity`` →
        class → entry, and AT_SPECIFICITY.

    Raises
    ------
    EvaluationError
        An image in both has another case or label in the one than in the other.
    """
    second = PredictionsTable(first.class_names, second.frame)
    shared_images = _same_in_both(first, second)
    weights = joint_weights(first, second, resampling.resamples, named_generator(resampling.seed, "bootstrap"))
    difference = WeightedDifference.of(first, second, weights, resampling.confidence)
    figures = chosen_figures(by_metric(first.class_names, difference.entry))
    cases = [set(table.cases.tolist()) for table in (first, second)]
    return {
        "overlap": {
            "cases_first": len(cases[0]),
            "cases_second": len(cases[1]),
            "cases_both": len(cases[0] & cases[1]),
            "images_both": shared_images,
        },
        "figures": figures | {AT_SPECIFICITY: difference.entry(AT_SPECIFICITY)},
    }


def joint_weights(
    first: PredictionsTable, second: PredictionsTable, resamples: int, generator: np.random.Generator
) -> tuple[Weights, Weights]:
    """Draw the cases of both tables together and return [B, N] counts of the images of each, see the module."""
    cases = np.unique(np.concatenate([first.cases, second.cases]))
    strata = np.stack([_strata_among(cases, table) for table in (first, second)], axis=1)
    stratum_of_case = np.unique(strata, axis=0, return_inverse=True)[1].reshape(-1)
    drawn = draw_cases(stratum_of_case, resamples, generator)
    of_first, of_second = (np.take(drawn, np.searchsorted(cases, table.cases), axis=1) for table in (first, second))
    return of_first, of_second


@dataclass(frozen=True, slots=True)
class WeightedDifference:
    """Figures of two tables, and the first's less the second's in every resample.

    Attributes
    ----------
    points
        Metrics of the first and of the second table as they are.
    estimates
        Of the differences.
    """

    points: tuple[dict[str, Floats], dict[str, Floats]]
    estimates: Estimates

    @classmethod
    def of(
        cls, first: PredictionsTable, second: PredictionsTable, weights: tuple[Weights, Weights], confidence: float
    ) -> WeightedDifference:
        """Measure two tables of the same classes in the same order, with [B, N] counts of the images of each.

        A figure that one side cannot tell has no difference, and one for which a side has no interval has none here.
        """
        drawn = [compared_metrics(table, own) for table, own in zip((first, second), weights, strict=True)]
        points = (compared_points(first), compared_points(second))
        reasons = compared_reasons(second) | compared_reasons(first)
        return cls(points, Estimates.of_difference(points, drawn, confidence, reasons))

    def entry(self, metric: str, name: str | None = None, place: Place = ()) -> dict[str, Any]:
        """Return ``{"first", "second", "value", "low", "high", "reason", "method"}`` of one figure."""
        first, second = (defined(own[metric][place]) for own in self.points)
        return {"first": first, "second": second, **self.estimates.entry(metric, name, place)}


def _strata_among(cases: NDArray[np.str_], table: PredictionsTable) -> NDArray[np.intp]:
    """Return [C] stratum in the table of each of the sorted `cases`, -1 where the table does not hold it."""
    strata = np.full(len(cases), -1, dtype=np.intp)
    strata[np.searchsorted(cases, np.unique(table.cases))] = case_strata(table.cases, table.labels)[1]
    return strata


def _same_in_both(first: PredictionsTable, second: PredictionsTable) -> int:
    """Return how many images are in both, after checking that they are the same there."""
    facts = [
        {image_stem(row[0]): row[1:] for row in table.frame[[Column.IMAGE_ID, Column.CASE, Column.LABEL]].to_numpy()}
        for table in (first, second)
    ]
    both = sorted(facts[0].keys() & facts[1].keys())
    if differing := [image for image in both if tuple(facts[0][image]) != tuple(facts[1][image])]:
        raise EvaluationError(
            f"the tables give another case or label to {len(differing)} images that are in both ({named(differing)}). "
            "Compare tables made from one data set."
        )
    return len(both)
