from __future__ import annotations

import numpy as np
import pytest
from map_examples import four_images, square

from osteolens.evaluation.predictions import PredictionsTable
from osteolens.evaluation.resampling import Resampling
from osteolens.explain.agreement import MapAgreement, score_maps
from osteolens.explain.agreement_report import agreement_report
from osteolens.explain.baselines import Baseline
from osteolens.explain.cell_map import CellMap

CLASSES = ("Normal", "Benign", "Malignant")


def one_score(values: list[float]) -> MapAgreement:
    scores = np.array(values)[:, None]
    return MapAgreement(("area_share",), np.arange(len(values)), scores, scores, np.zeros(len(values), bool), (7, 7))


def report(agreement: MapAgreement, cases: list[str], labels: list[int], *, baselines=None, resamples=400, **columns):
    table = PredictionsTable.from_arrays(
        CLASSES,
        image_ids=[f"image{row}" for row in range(len(cases))],
        labels=[CLASSES[label] for label in labels],
        probabilities=np.full((len(cases), 3), 1 / 3),
        case_id=cases,
        **columns,
    )
    return agreement_report(agreement, baselines or {}, table, Resampling(resamples, seed=1))


def four_cases(**columns):
    return report(four_images(perfect=2, elsewhere=0, zero=1, large=3), ["a", "b", "c", "d"], [1, 1, 2, 2], **columns)


def test_means_over_all_images_by_class_and_by_size():
    result = four_cases()
    assert (result["n"], result["cases"], result["zero_maps"]) == (4, 4, 1)
    assert (result["map_class"], result["convention"], result["resolution"]) == ("true class", "outline", (20, 20))
    assert result["overall"]["iou_0.5"]["value"] == pytest.approx(2 / 4)
    assert result["overall"]["area_share"]["value"] == pytest.approx((0.01 + 0.04 + 0.0025 + 0.25) / 4)
    assert result["overall"]["energy_ratio"]["value"] == pytest.approx((100 + 0 + 4) / 3)  # not of the zero map
    assert result["overall"]["energy_ratio"]["n"] == 3
    assert result["per_class"]["Benign"]["iou_0.5"]["value"] == 0
    assert result["per_class"]["Malignant"]["iou_0.5"]["value"] == 1
    assert result["per_size_band"]["10% and over"]["n"] == 1
    assert result["per_size_band"]["0.3-1%"]["n"] == 0
    assert result["all_shapes"]["iou_0.5"]["value"] == pytest.approx(0.3 / 4)


def test_groups_by_source_and_by_subtype():
    columns = {"source": ["x", "x", "y", "y"], "subtype": ["cyst", "cyst", "cyst+other", ""]}
    result = four_cases(**columns)
    assert {name: group["iou_0.5"]["value"] for name, group in result["per_source"].items()} == {"x": 0, "y": 1}
    assert {name: group["n"] for name, group in result["per_subtype"].items()} == {"cyst": 3, "other": 1}
    assert four_cases()["per_source"] == {}


def test_baselines_stand_beside_every_figure_with_the_difference():
    agreement = four_images(perfect=2, elsewhere=0, zero=1, large=3)
    scores = np.full_like(agreement.outline, 0.25)
    result = four_cases(baselines={"guess": Baseline({"draws": 2}, scores)})
    assert result["guess"]["draws"] == 2
    assert result["guess"]["iou_0.5"]["value"] == 0.25
    assert result["differences"]["guess"]["iou_0.5"]["value"] == pytest.approx(0.5 - 0.25)
    assert result["differences"]["guess"]["energy"]["n"] == 3
    assert not {"area_share", "ceiling"} & set(result["differences"]["guess"])
    malignant = result["per_class"]["Malignant"]
    assert malignant["baselines"]["guess"]["iou_0.5"]["value"] == 0.25
    assert malignant["differences"]["guess"]["iou_0.5"]["value"] == pytest.approx(0.75)


def test_differences_are_paired():
    """The map is better by exactly 0.1 in each image, however much the images differ."""
    agreement = MapAgreement(
        ("energy",), np.arange(6), np.linspace(0.2, 0.9, 6)[:, None], np.zeros((6, 1)), np.zeros(6, bool), (7, 7)
    )
    noisy = agreement.outline - 0.1 + np.array([1, -1, 1, -1, 1, -1])[:, None] * 1e-3
    with_area = MapAgreement(
        ("energy", "area_share"), *(
            np.concatenate([part, np.full((6, 1), 0.02)], axis=1) if part.ndim == 2 else part
            for part in (agreement.rows, agreement.outline, agreement.all_shapes, agreement.zero)
        ), (7, 7),
    )  # fmt: skip
    baseline = Baseline({}, np.concatenate([noisy, np.full((6, 1), 0.02)], axis=1))
    result = report(with_area, list("abcdef"), [1] * 6, baselines={"guess": baseline})
    difference, overall = result["differences"]["guess"]["energy"], result["overall"]["energy"]
    assert 0.098 < difference["low"] < difference["high"] < 0.102
    assert overall["high"] - overall["low"] > 0.1


def test_a_zero_map_is_warned_of():
    assert "1 of 4 maps" in four_cases()["warnings"][0]


def test_the_interval_is_that_of_a_bootstrap_by_case():
    """Two cases of one class, one with three hits and one with three misses: a resample's mean is 0, 1/2 or 1."""
    agreement = one_score([1.0] * 3 + [0.0] * 3)
    by_case = report(agreement, ["a"] * 3 + ["b"] * 3, [1] * 6)["overall"]["area_share"]
    assert (by_case["value"], by_case["low"], by_case["high"]) == (0.5, 0, 1)
    by_image = report(agreement, list("abcdef"), [1] * 6)["overall"]["area_share"]
    assert 0 < by_image["low"] < 0.5 < by_image["high"] < 1


def test_the_same_seed_gives_the_same_report():
    assert four_cases() == four_cases()


@pytest.mark.parametrize(
    ("place", "reason"),
    [
        (("per_class", "Normal", "iou_0.5"), "no annotated image"),
        (("per_size_band", "0.1-0.3%", "energy"), "every map is 0 everywhere"),
        (("per_size_band", "10% and over", "iou_0.5"), "all images are of one case"),
        (("per_class", "Malignant", "iou_0.5"), "all images have the same value"),
    ],
)
def test_what_cannot_be_told_is_none_with_a_reason(place, reason):
    entry = four_cases()
    for key in place:
        entry = entry[key]
    assert entry["low"] is None
    assert entry["high"] is None
    assert reason in entry["reason"]
    assert (entry["value"] is None) == (entry["n"] == 0)


def test_a_group_that_many_resamples_miss_has_no_interval():
    """Two of twelve cases are missed by about e**-2 = 13% of the resamples, more than the 5% outside an interval."""
    outline = {row: square(0, 0, 2 if row < 10 else 10) for row in range(12)}
    maps = {row: CellMap(mask.astype(np.float32)) for row, mask in outline.items()}
    maps[11] = CellMap(square(15, 15, 2).astype(np.float32))
    agreement = score_maps(maps, outline, outline, (0.5,))
    result = report(agreement, [str(row) for row in range(12)], [1] * 12)
    entry = result["per_size_band"]["10% and over"]["iou_0.5"]
    assert (entry["value"], entry["low"], entry["n"]) == (0.5, None, 2)
    assert "too many resamples" in entry["reason"]
    assert result["overall"]["iou_0.5"]["low"] is not None


def test_one_image():
    maps = {0: CellMap(square(0, 0, 2).astype(np.float32))}
    result = report(score_maps(maps, {0: square(0, 0, 2)}, {0: square(0, 0, 4)}, (0.5,)), ["a"], [2])
    assert result["overall"]["iou_0.5"]["value"] == 1
    assert result["all_shapes"]["iou_0.5"]["value"] == pytest.approx(4 / 16)
    assert result["overall"]["iou_0.5"]["low"] is None


def test_no_annotated_image():
    result = report(score_maps({}, {}, {}, (0.5,)), ["a"], [0])
    assert (result["n"], result["cases"], result["resolution"], result["warnings"]) == (0, 0, None, [])
    assert result["overall"]["iou_0.5"] == {
        "value": None, "low": None, "high": None, "n": 0, "reason": "no annotated image"
    }  # fmt: skip
