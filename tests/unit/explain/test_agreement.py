from __future__ import annotations

import numpy as np
import pytest

from osteolens.config import EvaluationOptions
from osteolens.explain.agreement import SIZE_BANDS, MapAgreement, agreement_report, score_maps

OPTIONS = EvaluationOptions(bootstrap_resamples=400)
CLASSES = ("Normal", "Benign", "Malignant")


def square(top: int, left: int, side: int, size: int = 20) -> np.ndarray:
    mask = np.zeros((size, size), np.uint8)
    mask[top : top + side, left : left + side] = 1
    return mask


def four_images() -> MapAgreement:
    """Maps at mask size: perfect, elsewhere, zero, perfect; lesions of 1, 4, 0.25 and 25 % of the area."""
    outline = {7: square(0, 0, 2), 2: square(4, 4, 4), 5: square(19, 19, 1), 9: square(5, 5, 10)}
    maps = {row: mask.astype(np.float32) for row, mask in outline.items()}
    maps[5] = np.zeros((20, 20), np.float32)
    maps[2] = square(12, 12, 4).astype(np.float32)
    all_shapes = {row: np.ones((20, 20), np.uint8) for row in outline}
    return score_maps(maps, outline, all_shapes, (0.3, 0.5))


def report(agreement: MapAgreement, cases: list[str], labels: list[int], options: EvaluationOptions = OPTIONS):
    return agreement_report(
        agreement, np.array(cases, np.str_), np.array(labels, np.int64), CLASSES, options=options, seed=1
    )


def test_rows_are_sorted_and_scored_against_both_masks_and_the_prior():
    agreement = four_images()
    assert agreement.rows.tolist() == [2, 5, 7, 9]
    assert agreement.resolution == (20, 20)
    assert agreement.zero.tolist() == [False, True, False, False]
    iou = agreement.names.index("iou_0.5")
    assert agreement.outline[:, iou].tolist() == [0, 0, 1, 1]
    assert agreement.all_shapes[:, iou].tolist() == pytest.approx([16 / 400, 0, 4 / 400, 100 / 400])
    pointing = agreement.names.index("pointing_game")
    assert agreement.centre_prior[:, pointing].tolist() == [0, 0, 0, 1]


def test_size_bands():
    agreement = four_images()
    assert [SIZE_BANDS[band][0] for band in agreement.bands] == ["3-10%", "<0.5%", "1-3%", ">10%"]


def test_means_over_all_images_by_class_and_by_size():
    result = report(four_images(), ["a", "b", "c", "d"], [1, 1, 2, 2])
    assert (result["n"], result["cases"], result["zero_maps"]) == (4, 4, 1)
    assert (result["map_class"], result["convention"], result["resolution"]) == ("true class", "outline", (20, 20))
    assert result["overall"]["iou_0.5"]["value"] == pytest.approx(2 / 4)
    assert result["overall"]["area_share"]["value"] == pytest.approx((0.01 + 0.04 + 0.0025 + 0.25) / 4)
    assert result["overall"]["energy_ratio"]["value"] == pytest.approx((100 + 0 + 4) / 3)  # not of the zero map
    assert result["overall"]["energy_ratio"]["n"] == 3
    assert result["per_class"]["Benign"]["iou_0.5"]["value"] == 0
    assert result["per_class"]["Malignant"]["iou_0.5"]["value"] == 1
    assert result["per_size_band"][">10%"]["n"] == 1
    assert result["per_size_band"]["0.5-1%"]["n"] == 0
    assert result["all_shapes"]["iou_0.5"]["value"] == pytest.approx(0.3 / 4)
    assert result["centre_prior"]["pointing_game"]["value"] == 1 / 4


def test_a_zero_map_is_warned_of():
    assert "1 of 4 maps" in report(four_images(), ["a", "b", "c", "d"], [1, 1, 2, 2])["warnings"][0]


def test_the_interval_is_that_of_a_bootstrap_by_case():
    """Two cases of one class, one with three hits and one with three misses: a resample's mean is 0, 1/2 or 1."""
    scores = np.array([[1.0]] * 3 + [[0.0]] * 3)
    agreement = MapAgreement(("area_share",), np.arange(6), scores, scores, scores, np.zeros(6, bool), (7, 7))
    by_case = report(agreement, ["a"] * 3 + ["b"] * 3, [1] * 6)["overall"]["area_share"]
    assert (by_case["value"], by_case["low"], by_case["high"]) == (0.5, 0, 1)
    by_image = report(agreement, list("abcdef"), [1] * 6)["overall"]["area_share"]
    assert 0 < by_image["low"] < 0.5 < by_image["high"] < 1


def test_the_same_seed_gives_the_same_report():
    results = [report(four_images(), ["a", "b", "c", "d"], [1, 1, 2, 2]) for _ in range(2)]
    assert results[0] == results[1]


@pytest.mark.parametrize(
    ("place", "reason"),
    [
        (("per_class", "Normal", "iou_0.5"), "no annotated image"),
        (("per_size_band", "<0.5%", "energy"), "every map is 0 everywhere"),
        (("per_size_band", ">10%", "iou_0.5"), "all images are of one case"),
        (("per_class", "Malignant", "iou_0.5"), "all images have the same value"),
    ],
)
def test_what_cannot_be_told_is_none_with_a_reason(place, reason):
    entry = report(four_images(), ["a", "b", "c", "d"], [1, 1, 2, 2])
    for key in place:
        entry = entry[key]
    assert entry["low"] is None
    assert entry["high"] is None
    assert reason in entry["reason"]
    assert (entry["value"] is None) == (entry["n"] == 0)


def test_a_group_that_many_resamples_miss_has_no_interval():
    """Two of twelve cases are missed by about e**-2 = 13 % of the resamples, more than the 5 % outside an interval."""
    outline = {row: square(0, 0, 2 if row < 10 else 10) for row in range(12)}
    maps = {row: mask.astype(np.float32) for row, mask in outline.items()}
    maps[11] = square(15, 15, 2).astype(np.float32)
    agreement = score_maps(maps, outline, outline, (0.5,))
    result = report(agreement, [str(row) for row in range(12)], [1] * 12)
    entry = result["per_size_band"][">10%"]["iou_0.5"]
    assert (entry["value"], entry["low"], entry["n"]) == (0.5, None, 2)
    assert "too many resamples" in entry["reason"]
    assert result["overall"]["iou_0.5"]["low"] is not None


def test_one_image():
    agreement = score_maps({0: square(0, 0, 2).astype(np.float32)}, {0: square(0, 0, 2)}, {0: square(0, 0, 4)}, (0.5,))
    result = report(agreement, ["a"], [2])
    assert result["overall"]["iou_0.5"]["value"] == 1
    assert result["all_shapes"]["iou_0.5"]["value"] == pytest.approx(4 / 16)
    assert result["overall"]["iou_0.5"]["low"] is None


def test_no_annotated_image():
    result = report(score_maps({}, {}, {}, (0.5,)), [], [])
    assert (result["n"], result["cases"], result["resolution"], result["warnings"]) == (0, 0, None, [])
    assert result["overall"]["iou_0.5"] == {
        "value": None, "low": None, "high": None, "n": 0, "reason": "no annotated image"
    }  # fmt: skip
