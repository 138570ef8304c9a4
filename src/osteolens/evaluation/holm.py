"""P-values of several comparisons, corrected by Holm's step-down method (Scandinavian Journal of Statistics, 1979)."""

from __future__ import annotations

from collections.abc import Sequence


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Return p-values that may be held against one level together: the chance of any false alarm stays below it.

    The smallest of m is multiplied by m, the next by m - 1, and so on; none becomes smaller than the one before it or
    larger than 1. The comparisons may depend on each other in any way.

    Parameters
    ----------
    p_values
        0 to 1; None where a comparison has none. It stays None and does not count.
    """
    known = [place for place, value in enumerate(p_values) if value is not None]
    corrected: list[float | None] = [None] * len(p_values)
    largest = 0.0
    for rank, place in enumerate(sorted(known, key=lambda place: p_values[place] or 0.0)):
        largest = max(largest, min(1.0, (len(known) - rank) * (p_values[place] or 0.0)))
        corrected[place] = largest
    return corrected
