"""The scores of every annotated image, one row each."""

from __future__ import annotations

from typing import Any

import pandas as pd

from osteolens.domain import AREA_BANDS
from osteolens.evaluation.predictions import PredictionsTable
from osteolens.explain.agreement import MapAgreement
from osteolens.explain.captions import ANSWERED, image_facts

SCORE_TABLE = "annotation_scores.csv"


def score_table(agreement: MapAgreement, table: PredictionsTable) -> pd.DataFrame:
    """Return what is known of each annotated image and the scores of the map of its true class.

    The scores have the names of ``annotation_report.json``: those against the outline first, then, with the prefix
    ``all_shapes_``, those against everything drawn. What is not defined is empty.
    """
    bands = list(AREA_BANDS)

    def facts(place: int) -> dict[str, Any]:
        share = float(agreement.area_share[place])
        told = image_facts(table, int(agreement.rows[place]), share)  # the share itself is one of the scores
        return {**told, "size_band": bands[agreement.bands[place]], "zero": bool(agreement.zero[place])}

    rows = [facts(place) for place in range(agreement.rows.size)]
    images = pd.DataFrame(rows, columns=[*ANSWERED, "size_band", "zero"])
    outline = pd.DataFrame(agreement.outline, columns=list(agreement.names))
    shapes = pd.DataFrame(agreement.all_shapes, columns=[f"all_shapes_{name}" for name in agreement.names])
    return pd.concat([images, outline, shapes], axis=1)
