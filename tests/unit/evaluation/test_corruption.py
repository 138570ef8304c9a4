from __future__ import annotations

import numpy as np
import pytest

from osteolens.errors import EvaluationError
from osteolens.evaluation.corruption import corruption_curves
from osteolens.evaluation.predictions import PredictionsTable
from osteolens.evaluation.resampling import Resampling

CLASSES = ("Normal", "Malignant")


def answers(malignant: list[float], *, ids: str = "abcdefgh", labels: str = "NNNNMMMM") -> PredictionsTable:
    return PredictionsTable.from_arrays(
        CLASSES,
        image_ids=list(ids),
        labels=["Normal" if label == "N" else "Malignant" for label in labels],
        probabilities=np.column_stack([1 - np.array(malignant), malignant]),
    )


CLEAN = answers([0.1, 0.2, 0.3, 0.4, 0.6, 0.7, 0.8, 0.9])
BLURRED = answers([0.1, 0.2, 0.3, 0.4, 0.3, 0.4, 0.8, 0.9])  # e and f are lost; e is level with c, f with d
NOISY = answers([0.6, 0.7, 0.8, 0.9, 0.1, 0.2, 0.3, 0.4])


def test_losses_by_hand() -> None:
    curves = corruption_curves(
        CLEAN, {("noise", 0.2): NOISY, ("blur", 2): BLURRED, ("noise", 0.1): CLEAN}, Resampling(300)
    )
    assert curves["clean"]["accuracy"]["value"] == 1
    assert list(curves["curves"]) == ["blur", "noise"]
    (blur,) = curves["curves"]["blur"]
    assert blur["strength"] == 2
    assert blur["scores"]["accuracy"]["value"] == pytest.approx(6 / 8)
    assert blur["loss"]["accuracy"]["value"] == pytest.approx(2 / 8)
    assert blur["loss"]["sensitivity"]["Malignant"]["value"] == pytest.approx(1 / 2)
    # of 16 pairs e is above two, level with one, f above three, level with one
    assert blur["loss"]["macro_auc"]["value"] == pytest.approx(1 - (2.5 + 3.5 + 4 + 4) / 16)
    assert blur["loss"]["accuracy"]["low"] <= 0.25 <= blur["loss"]["accuracy"]["high"]


def test_points_stand_by_rising_strength_and_no_change_is_no_loss() -> None:
    noise = corruption_curves(CLEAN, {("noise", 0.2): NOISY, ("noise", 0.1): CLEAN}, Resampling(200))["curves"]["noise"]
    assert [point["strength"] for point in noise] == [0.1, 0.2]
    assert noise[0]["loss"]["accuracy"]["value"] == 0
    assert noise[0]["loss"]["accuracy"]["low"] is None
    assert noise[1]["loss"]["accuracy"]["value"] == 1


def test_the_order_of_the_rows_does_not_matter() -> None:
    turned = answers([0.9, 0.8, 0.4, 0.3, 0.4, 0.3, 0.2, 0.1], ids="hgfedcba", labels="MMMMNNNN")
    first = corruption_curves(CLEAN, {("blur", 1): BLURRED}, Resampling(200))
    assert corruption_curves(CLEAN, {("blur", 1): turned}, Resampling(200)) == first


def test_other_images_are_refused_by_name() -> None:
    other = answers([0.1, 0.2, 0.3, 0.4, 0.6, 0.7, 0.8, 0.9], ids="abcdefgx")
    with pytest.raises(EvaluationError, match="blur at strength 3"):
        corruption_curves(CLEAN, {("blur", 3): other}, Resampling(100))
    with pytest.raises(EvaluationError, match="no predictions for corrupted pictures"):
        corruption_curves(CLEAN, {}, Resampling(100))
