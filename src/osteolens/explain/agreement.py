"""Agreement of the map of each annotated image of a part with its lesions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from osteolens.domain import AREA_BANDS
from osteolens.explain.case_means import Floats
from osteolens.explain.cell_map import CellMap
from osteolens.explain.resolution import ceiling
from osteolens.explain.scores import Ceiling, map_scores, score_names

Masks = Mapping[int, NDArray[np.uint8]]


@dataclass(frozen=True, slots=True, eq=False)
class MapAgreement:
    """Scores of the map of the true class of each annotated image; M scores in the order of `names`.

    Attributes
    ----------
    names
        See :func:`osteolens.explain.scores.score_names`.
    rows
        [N] rows of the predictions table.
    outline, all_shapes
        [N, M] against the lesion by its outline, and against the union of everything drawn.
    zero
        [N] whether the map is 0 everywhere.
    resolution
        Height and width of the maps before they were enlarged to the grid of the masks; None without images.
    """

    names: tuple[str, ...]
    rows: NDArray[np.intp]
    outline: Floats
    all_shapes: Floats
    zero: NDArray[np.bool_]
    resolution: tuple[int, ...] | None

    @property
    def area_share(self) -> Floats:
        """[N] share of the network's input that the outline covers, 0 to 1."""
        return self.outline[:, self.names.index("area_share")]

    @property
    def ceilings(self) -> list[Ceiling]:
        """N of what the resolution allows against the outline."""
        places = [self.names.index(name) for name in ("ceiling", "pointing_ceiling")]
        return [Ceiling(*row) for row in self.outline[:, places].tolist()]

    @property
    def bands(self) -> NDArray[np.intp]:
        """[N] place of the band in :data:`osteolens.domain.AREA_BANDS`, which begins at its limit."""
        return np.searchsorted(list(AREA_BANDS.values()), self.area_share, side="right") - 1


def score_maps(
    maps: Mapping[int, CellMap], outline: Masks, all_shapes: Masks, thresholds: Sequence[float]
) -> MapAgreement:
    """Score one map per annotated image.

    Parameters
    ----------
    maps
        Row to the map [h, w] of its true class.
    outline, all_shapes
        Row to its mask [H, W]; every row of `maps` has both.
    thresholds
        Of the IoU, as shares of the map's maximum.
    """
    names = score_names(thresholds)
    rows = sorted(maps)
    by_outline, by_shapes = (np.empty((len(rows), len(names))) for _ in range(2))
    for place, row in enumerate(rows):
        heat = maps[row].enlarged(*outline[row].shape)
        for scores, mask in ((by_outline, outline[row]), (by_shapes, all_shapes[row])):
            scores[place] = map_scores(heat, mask, thresholds, ceiling=ceiling(mask, maps[row]))
    return MapAgreement(
        names=names,
        rows=np.array(rows, np.intp),
        outline=by_outline,
        all_shapes=by_shapes,
        zero=np.array([maps[row].is_zero for row in rows], bool),
        resolution=next((maps[row].values.shape for row in rows), None),
    )
