from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as sk

from osteolens.errors import EvaluationError
from osteolens.evaluation.evaluate import EVALUATION_FILES, evaluate
from osteolens.evaluation.parts import predictions_sha256
from osteolens.evaluation.predictions import PredictionsTable
from osteolens.evaluation.resampling import Resampling
from osteolens.evaluation.summary import summarise

CLASSES = ("Normal", "Benign", "Malignant")
FILES = {
    *("metrics_summary.json", "classification_report.json", "confusion_matrix.csv"),
    *("decisions.json", "case_answers.json", "honesty.json"),
    *(
        f"{name}.{suffix}"
        for name in (
            *("roc_curves", "pr_curves", "confusion_matrix"),
            *("reliability", "risk_coverage", "decision_curves", "conformal_coverage"),
        )
        for suffix in ("png", "svg")
    ),
}


def made_up(images: int = 120, *, images_per_case: int = 2, classes: int = 3) -> PredictionsTable:
    generator = np.random.default_rng(7)
    labels = np.arange(images) // images_per_case % classes
    scores = generator.dirichlet(np.ones(3), images) + 0.5 * np.eye(3)[labels]
    return PredictionsTable.from_arrays(
        CLASSES,
        image_ids=[f"IMG{index:06d}.jpeg" for index in range(images)],
        labels=np.array(CLASSES)[labels],
        probabilities=scores / scores.sum(axis=1, keepdims=True),
        case_id=[f"case{index // images_per_case}" for index in range(images)],
    )


def strict_json(path: Path) -> dict:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{path.name} holds {constant}")

    return json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)


def entries(summary: dict) -> list[dict]:
    return [*summary["overall"].values(), *(e for own in summary["per_class"].values() for e in own.values())]


def test_files_and_summary(tmp_path: Path) -> None:
    table = made_up()
    summary = evaluate(table, tmp_path, Resampling(200, 0.9, 1))
    assert {path.name for path in tmp_path.iterdir()} == FILES == set(EVALUATION_FILES)
    assert strict_json(tmp_path / "metrics_summary.json") == summary
    assert (summary["n"], summary["cases"], summary["split"]) == (120, 60, "test")
    assert summary["per_class_n"] == {"Normal": 40, "Benign": 40, "Malignant": 40}
    of_class = table.frame.groupby("label")["case_id"].nunique()
    assert summary["per_class_cases"] == {name: of_class[name] for name in summary["class_names"]}
    assert (summary["confidence"], summary["resamples"], summary["resampled_by"]) == (0.9, 200, "case")
    predicted = table.probabilities.argmax(axis=1)
    matrix = sk.confusion_matrix(table.labels, predicted)
    assert summary["confusion_matrix"] == matrix.tolist()
    assert np.allclose(
        summary["confusion_matrix_row_normalised"], sk.confusion_matrix(table.labels, predicted, normalize="true")
    )
    auc = sk.roc_auc_score(table.labels == 2, table.probabilities[:, 2])
    assert summary["per_class"]["Malignant"]["auc"]["value"] == pytest.approx(auc, abs=1e-12)
    assert all(entry["low"] < entry["value"] < entry["high"] and entry["reason"] is None for entry in entries(summary))
    with (tmp_path / "confusion_matrix.csv").open(encoding="utf-8") as stream:
        rows = list(csv.reader(stream))
    assert rows[0] == ["true / predicted", *CLASSES]
    assert rows[3] == ["Malignant", *map(str, matrix[2])]
    for name in ("roc_curves", "pr_curves", "confusion_matrix"):
        header = (tmp_path / f"{name}.png").read_bytes()[:24]
        assert header.startswith(b"\x89PNG")
        assert [int.from_bytes(header[at : at + 4], "big") for at in (16, 20)] == [840, 840]  # 6 inches at 140 dpi


def test_records_bear_the_identity_of_the_answers_and_the_summary_is_last(tmp_path: Path) -> None:
    table = made_up()
    chosen_on = PredictionsTable(CLASSES, table.frame.assign(image_id=[f"v{row}" for row in range(120)], split="val"))
    evaluate(table, tmp_path, Resampling(100), validation=chosen_on)
    records = [
        strict_json(tmp_path / f"{name}.json") for name in ("metrics_summary", "decisions", "honesty", "case_answers")
    ]
    assert {record["predictions_sha256"] for record in records} == {predictions_sha256(table)}
    assert records[1]["validation_sha256"] == predictions_sha256(chosen_on)
    stamps = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert stamps["metrics_summary.json"] == max(stamps.values())
    evaluate(table, tmp_path, Resampling(100))
    assert strict_json(tmp_path / "decisions.json")["validation_sha256"] is None


def test_classification_report_equals_scikit_learns(tmp_path: Path) -> None:
    table = made_up(90, images_per_case=1)
    table = table.subset(np.arange(90) % 7 > 1)  # uneven class sizes, so that the two averages differ
    evaluate(table, tmp_path, Resampling(100, seed=1))
    report = strict_json(tmp_path / "classification_report.json")
    reference = sk.classification_report(
        table.labels, table.probabilities.argmax(axis=1), target_names=CLASSES, output_dict=True
    )
    assert list(report) == list(reference)
    assert report.pop("accuracy") == pytest.approx(reference.pop("accuracy"))
    for name, values in reference.items():
        assert report[name] == pytest.approx(values), name


def test_same_seed_same_summary_whatever_the_order_of_the_rows() -> None:
    table = made_up()
    first = summarise(table, Resampling(100, seed=3))
    turned = PredictionsTable(CLASSES, table.frame.iloc[::-1])
    second = summarise(turned, Resampling(100, seed=3))
    for one, other in zip(entries(first), entries(second), strict=True):
        assert one == pytest.approx(other, abs=1e-12)
    assert summarise(table, Resampling(100, seed=4))["overall"] != first["overall"]


def test_intervals_widen_when_images_share_a_case() -> None:
    # Ten copies of each image add nothing that is not known already: the interval of one image each must stay.
    single = made_up(60, images_per_case=1)
    copies = single.frame.loc[np.repeat(np.arange(60), 10)].reset_index(drop=True)
    copies["image_id"] = [f"{image}_{index}" for index, image in enumerate(copies["image_id"])]
    by_case = summarise(PredictionsTable(CLASSES, copies), Resampling(400, seed=1))["overall"]["accuracy"]
    once = summarise(single, Resampling(400, seed=1))["overall"]["accuracy"]
    assert (by_case["low"], by_case["high"]) == pytest.approx((once["low"], once["high"]))
    copies["case_id"] = copies["image_id"]
    by_image = summarise(PredictionsTable(CLASSES, copies), Resampling(400, seed=1))["overall"]["accuracy"]
    assert by_case["high"] - by_case["low"] > 2 * (by_image["high"] - by_image["low"])


def test_what_the_table_lacks_comes_before_every_figure(tmp_path: Path) -> None:
    told = "Of the 500 test images, 380 have no prediction."
    summary = evaluate(made_up(), tmp_path, Resampling(100), caveats=[told])
    assert summary["caveats"] == [told]
    panel = strict_json(tmp_path / "honesty.json")
    assert panel["caveats"] == [told]
    assert panel["conclusion"].startswith(f"{told} On the 120 images")


def test_an_absent_class_gives_null_with_a_reason(tmp_path: Path) -> None:
    summary = evaluate(made_up(classes=2), tmp_path, Resampling(100))
    assert strict_json(tmp_path / "metrics_summary.json") == summary
    absent = {"value": None, "low": None, "high": None, "reason": "no Malignant image in this part", "method": None}
    assert summary["per_class"]["Malignant"]["auc"] == absent | {"n": 0}
    assert summary["overall"]["macro_auc"] == absent | {"n": 120}
    assert summary["overall"]["balanced_accuracy"] == absent | {"n": 120}
    assert summary["overall"]["accuracy"]["value"] is not None
    assert summary["confusion_matrix_row_normalised"][2] == [None, None, None]
    report = strict_json(tmp_path / "classification_report.json")
    assert report["Malignant"]["recall"] is None
    assert report["macro avg"]["recall"] is None
    assert report["weighted avg"]["recall"] == pytest.approx(report["accuracy"])


def test_one_image_is_enough_but_has_an_interval_only_as_a_share(tmp_path: Path) -> None:
    table = made_up().subset(np.arange(120) == 0)
    summary = evaluate(table, tmp_path, Resampling(100))
    assert strict_json(tmp_path / "metrics_summary.json") == summary
    accuracy = summary["overall"]["accuracy"]
    assert accuracy == {
        "value": 1.0,
        "low": pytest.approx(1 / (1 + 1.959964**2), abs=1e-6),  # Wilson's lower limit of one in one
        "high": 1.0,
        "reason": "fewer than 10 effective cases: Wilson's interval on that number (Kish)",
        "method": "wilson",
        "n": 1,
    }
    assert summary["overall"]["weighted_f1"]["reason"] == "all Normal images are of one case: no interval"
    assert all(entry["value"] is not None or entry["reason"] for entry in entries(summary))


def test_a_class_of_one_case_has_no_interval_but_the_others_do() -> None:
    table = made_up()
    table = table.subset((table.labels != 2) | (table.cases == "case2"))
    summary = summarise(table, Resampling(100, seed=1))
    sentence = "all Malignant images are of one case: no interval"
    for entry in (summary["per_class"]["Malignant"]["f1"], summary["overall"]["macro_auc"]):
        assert entry["value"] is not None
        assert (entry["low"], entry["high"], entry["reason"]) == (None, None, sentence)
    assert summary["overall"]["accuracy"]["low"] is not None
    assert summary["per_class"]["Benign"]["auc"]["low"] is not None


def test_resamples_without_a_value_are_told() -> None:
    # Benign is predicted for one image of 30 single-image cases: it is missing from about a third of the resamples.
    probabilities = np.tile([0.9, 0.1], (30, 1))
    probabilities[29] = [0.2, 0.8]
    table = PredictionsTable.from_arrays(
        CLASSES[:2], image_ids=np.arange(30), labels=["Normal"] * 15 + ["Benign"] * 15, probabilities=probabilities
    )
    mcc = summarise(table, Resampling(1000, seed=1))["overall"]["mcc"]
    assert mcc["value"] == pytest.approx(15 / (1 * 15 * 15 * 29) ** 0.5)
    assert (mcc["low"], mcc["high"]) == (None, None)
    missing = int(mcc["reason"].split()[2])
    assert mcc["reason"] == f"undefined in {missing} of 1000 resamples, too many for an interval"
    assert missing == pytest.approx(1000 * (14 / 15) ** 15, abs=60)  # four standard deviations


def test_a_mixture_of_splits_is_refused(tmp_path: Path) -> None:
    table = made_up()
    mixed = table.frame.assign(split=["test", "val"] * 60)
    with pytest.raises(EvaluationError, match=r"splits test, val.*part\(\)"):
        evaluate(PredictionsTable(CLASSES, mixed), tmp_path, Resampling(100))
    assert not any(tmp_path.iterdir())


def test_evaluation_runs_without_torch() -> None:
    code = "import sys, osteolens.evaluation.evaluate; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0  # noqa: S603


def test_the_cases_of_the_manifest_count_in_every_record(tmp_path: Path) -> None:
    table = made_up()
    manifest = pd.DataFrame(
        {
            "image_id": [*table.frame["image_id"], "train.jpeg"],
            "label": [*table.frame["label"], "Normal"],
            "case_id": [*(f"patient{index // 6 % 10}-{index // 2 % 3}" for index in range(120)), "other"],
            "split": ["val"] * 60 + ["test"] * 60 + ["train"],
        }
    )
    # the answers know no cases
    own = PredictionsTable(CLASSES, table.frame.assign(case_id="", split=["val"] * 60 + ["test"] * 60))
    summary = evaluate(own.part("test"), tmp_path, Resampling(100), validation=own.part("val"), manifest=manifest)
    decided, panel = (strict_json(tmp_path / f"{name}.json") for name in ("decisions", "honesty"))
    assert summary["cases"] == panel["scores"]["cases"] == decided["test"]["cases"] == 30
    assert decided["validation"]["cases"] == 30
    assert decided["cases_in_both"] == 30
    assert panel["scores"]["accuracy"] == summary["overall"]["accuracy"]
    assert panel["scores"]["sensitivity"]["Benign"] == summary["per_class"]["Benign"]["sensitivity"]
    assert decided["chosen_on"].startswith("It is not known whether")
