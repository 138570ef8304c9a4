"""What corrupted pictures cost: the clean predictions table against one for each corruption and strength."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from osteolens.errors import EvaluationError
from osteolens.evaluation.headline import headline, paired_difference
from osteolens.evaluation.predictions import PredictionsTable
from osteolens.evaluation.resampling import Resampling


def corruption_curves(
    clean: PredictionsTable,
    corrupted: Mapping[tuple[str, float], PredictionsTable],
    resampling: Resampling,
) -> dict[str, Any]:
    """Return, for each corruption, the figures and their loss at each strength.

    Parameters
    ----------
    clean
        One part, predicted from the pictures as they are.
    corrupted
        (name of the corruption, strength) to the answers for the same images; any unit of strength.

    Returns
    -------
    dict
        ``clean``: the headline figures (see :func:`~osteolens.evaluation.headline.headline`); ``curves``: corruption →
        its points by rising strength, each with ``strength``, ``scores``, and ``loss``, clean minus corrupted on the
        same resamples, in the form of :func:`~osteolens.evaluation.headline.paired_difference`: above 0 the
        corruption costs.

    Raises
    ------
    EvaluationError
        There is no corrupted table, or one holds other classes, images, labels or cases than the clean one.
    """
    if not corrupted:
        raise EvaluationError("no predictions for corrupted pictures were given, so there is no curve to draw.")
    curves: dict[str, list[dict[str, Any]]] = {name: [] for name, _ in sorted(corrupted)}
    for name, strength in sorted(corrupted):
        table = corrupted[name, strength]
        try:
            loss = paired_difference(clean, table, resampling)
        except EvaluationError as error:
            raise EvaluationError(f"{name} at strength {strength:g} (first table): {error}") from error
        curves[name].append({"strength": strength, "scores": headline(table, resampling), "loss": loss})
    return {"clean": headline(clean, resampling), "curves": curves}
