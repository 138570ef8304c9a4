"""How the intervals on a page were made, in the same words for all pages."""

from __future__ import annotations

from osteolens.evaluation.estimates import FEWEST_DRAWN

INTERVAL_NAMES = {"bca": "bias-corrected and accelerated", "percentile": "percentiles"}
NOT_RESAMPLED = (
    "Not all limits are those of resamples. Balanced accuracy, macro AUC, macro precision and macro specificity have "
    f"limits put together from those of the classes. A share that rests on fewer than {FEWEST_DRAWN} effective cases "
    "(Kish: a case of many images outweighs the others) or is the same in every resample has Wilson's limits on that "
    "number, as has every share at a threshold and of prediction sets. Differences have the percentiles of the "
    "resamples."
)
_DELONG = "The AUC of a class has DeLong's limits."


def not_resampled(intervals: str) -> str:
    """Return which figures have other limits than those of the resamples.

    Parameters
    ----------
    intervals
        ``bca`` or ``percentile``, see :func:`osteolens.evaluation.estimates.metric_intervals`.
    """
    return f"{NOT_RESAMPLED} {_DELONG}" if intervals == "bca" else NOT_RESAMPLED
