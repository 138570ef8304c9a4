from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from html_page import Page
from run_files import CLASSES
from sklearn.metrics import log_loss

from osteolens.evaluation.decisions import decisions
from osteolens.evaluation.parts import predictions_sha256
from osteolens.evaluation.predictions import PredictionsTable
from osteolens.evaluation.resampling import Resampling
from osteolens.reporting import decision_words
from osteolens.reporting.run_report import write_run_report
from osteolens.reporting.run_results import read_run
from osteolens.storage import RunFolder, read_json, write_json


@pytest.fixture(scope="module")
def page(complete_run: RunFolder, tmp_path_factory: pytest.TempPathFactory) -> Page:
    return Page(write_run_report(read_run(complete_run), tmp_path_factory.mktemp("page") / "report.html"))


@pytest.fixture(scope="module")
def record(complete_run: RunFolder) -> dict[str, Any]:
    return read_json(complete_run.evaluation / "decisions.json")


def entry(value: float, low: float | None = None, high: float | None = None) -> dict[str, Any]:
    return {"value": value, "low": low, "high": high, "reason": None}


def test_calibration_of_the_answers_as_predicted(page: Page, complete_run: RunFolder) -> None:
    table = pd.read_csv(complete_run.predictions)
    table = table[table["split"] == "test"]
    probabilities = table[[f"prob_{name}" for name in CLASSES]].to_numpy()
    truth = np.array([[name == label for name in CLASSES] for label in table["label"]])
    row = page.table("Calibration on the test part")["As predicted"]
    nll, brier = (float(row[name].split()[0]) for name in ("NLL", "Brier score"))
    assert nll == pytest.approx(log_loss(truth.argmax(axis=1), probabilities), abs=5.01e-4)
    assert brier == pytest.approx(((probabilities - truth) ** 2).sum(axis=1).mean(), abs=5.01e-4)
    assert "by chance" in row["ECE"]


def test_operating_points_are_shown_on_both_parts(page: Page, record: dict[str, Any]) -> None:
    question, points = next(iter(record["operating_points"]["questions"].items()))
    rows = page.table(f"{question}, 95%")
    names = [
        f"{aim}: {part}"
        for aim in ("Sensitivity of at least 90%", "Specificity of at least 95%")
        for part in ("val", "test")
    ]
    assert list(rows) == names
    point = points["high_specificity"]
    cell = rows["Specificity of at least 95%: test"]
    assert cell["Threshold"] == f"{point['threshold']:.3f}"
    assert cell["Specificity"].startswith(f"{point['test']['specificity']['value']:.3f} (")
    assert cell["Images called positive"] == str(point["test"]["positive_predictive_value"]["n"])


def test_sets_curves_and_shares(page: Page, record: dict[str, Any]) -> None:
    sets = page.table("Sets made to hold the true class for 90%")
    tested = record["conformal"]["test"]
    assert sets["Benign"]["Mean number of classes"] == f"{tested['per_class']['Benign']['mean_size']:.2f}"
    assert sets["All"]["Sets holding the true class"].startswith(f"{tested['coverage']['value']:.3f} (")
    shares = page.table("Shares of the classes")
    assert shares["Malignant"]["Test, true"] == "33.3%"  # 18 of 54
    areas = page.table("Area under the curve; lower is better")
    assert areas["AUGRC"]["Value"].startswith(f"{record['selective']['augrc']['value']:.3f} (")
    assert page.table("What the correction does")["Before"]["NLL"] == f"{record['prior_shift']['before']['nll']:.3f}"


def test_nothing_is_fitted_without_a_validation_part(changeable_run: RunFolder) -> None:
    table = PredictionsTable.from_csv(changeable_run.predictions).part("test")
    table.write(changeable_run.predictions)
    identities = {"predictions_sha256": predictions_sha256(table), "validation_sha256": None}
    write_json(changeable_run.evaluation / "decisions.json", identities | decisions(None, table, Resampling(100)))
    page = Page(write_run_report(read_run(changeable_run)))
    reason = "there is no validation part beside the evaluated one, and nothing may be fitted on what is evaluated"
    assert f"Nothing was fitted: {reason}." in page.text
    assert f"No operating point was chosen: {reason}." in page.text
    assert f"No temperature was fitted: {reason}." in page.text
    assert f"No sets were made: {reason}." in page.text
    assert f"It could not be made: {reason}." in page.text
    assert list(page.table("Calibration on the test part")) == ["As predicted"]


@pytest.mark.parametrize("told", ["The validation images also chose the epoch.", None])
def test_what_else_the_validation_images_chose_is_on_the_page(changeable_run: RunFolder, told: str | None) -> None:
    path = changeable_run.evaluation / "decisions.json"
    record = read_json(path)
    not_known = record["chosen_on"]
    assert not_known in Page(write_run_report(read_run(changeable_run))).text
    write_json(path, record | {"chosen_on": told})
    page = Page(write_run_report(read_run(changeable_run)))
    assert not_known not in page.text
    assert (told or "Thresholds, temperatures and sets were chosen on") in page.text


def test_a_point_that_could_not_be_chosen_says_why(changeable_run: RunFolder) -> None:
    path = changeable_run.evaluation / "decisions.json"
    record = read_json(path)
    question, points = next(iter(record["operating_points"]["questions"].items()))
    reason = "no positive image in the validation part"
    points["high_sensitivity"] |= {"threshold": None, "reason": reason, "validation": None, "test": None}
    write_json(path, record)
    page = Page(write_run_report(read_run(changeable_run)))
    assert f"{question}: no operating point, {reason}." in page.text
    assert page.table(f"{question}, 95%")["Sensitivity of at least 90%: test"]["Threshold"] == "not defined"


@pytest.mark.parametrize(
    ("low", "said"),
    [
        ([0.1, 0.3, 0.3, 0.3, -0.1], "act from a probability of 20% to 40%, following"),
        ([0.3, 0.1, 0.3, 0.3, -0.1], "act from a probability of 30% to 40%, following"),  # the longest run
        ([0.1, 0.1, 0.1, -0.1, -0.1], "at no threshold is the lower limit"),
    ],
)
def test_where_following_the_model_is_worth_it(low: list[float], said: str) -> None:
    curve = {
        "thresholds": [0.1, 0.2, 0.3, 0.4, 0.5],
        "low": low,
        "treat_all": [0.2, 0.2, 0.2, -0.2, -0.5],
        "treat_none": 0.0,
        "reason": None,
    }
    assert said in decision_words.curve_sentence("Malignant against the rest", curve)


def test_an_undecidable_question_says_why() -> None:
    curve = {"reason": "all images are positive: there is nothing to decide"}
    assert decision_words.curve_sentence("Q", curve) == "Q: all images are positive: there is nothing to decide."


def test_half_of_the_images_answered() -> None:
    curve = {"coverage": [0.2, 0.5, 1.0], "risk": [0.0, 0.1, 0.25], "generalised_risk": [0.0, 0.05, 0.25]}
    said = decision_words.selective_sentence({"curve": curve})
    assert "Answering every image, the model errs on 25.0%; answering only the 50%" in said
    assert "surest, on 10.0% of those" in said


def test_a_promise_of_sets_that_is_missed_is_told_beside_the_coverage_by_case(changeable_run: RunFolder) -> None:
    path = changeable_run.evaluation / "decisions.json"
    record = read_json(path)
    by_class = record["conformal"]["test"]["per_class"]
    for name, (value, low, high) in zip(CLASSES, [(0.95, 0.9, 0.98), (0.85, 0.7, 0.93), (0.6, 0.4, 0.8)], strict=True):
        by_class[name]["coverage_of_cases"] = entry(value, low, high)
    write_json(path, record)
    page = Page(write_run_report(read_run(changeable_run)))
    rows = page.table("Sets made to hold the true class for 90%")
    shown = [rows[name]["Each case counted once"] for name in CLASSES]
    assert [text[:5] for text in shown] == ["0.950", "0.850", "0.600"]
    assert "0.40" in shown[2]
    assert "0.80" in shown[2]
    assert "below the promise of 90%, but not by more than the chance of these cases" in page.text
    assert "the promise of 90% is missed by more than the chance of these cases" in page.text


def test_sizes_of_sets_that_none_has_are_left_out(changeable_run: RunFolder) -> None:
    path = changeable_run.evaluation / "decisions.json"
    record = read_json(path)
    record["conformal"]["test"]["sizes"] = {"0": 0.0, "1": 0.75, "2": 0.25, "3": 0.0}
    write_json(path, record)
    page = Page(write_run_report(read_run(changeable_run)))
    assert "Number of classes: 75.0% name 1, 25.0% name 2." in page.text


@pytest.mark.parametrize(("temperature", "how"), [(1.6, "surer than it is right"), (0.8, "less sure than it is right")])
def test_temperature_in_words(temperature: float, how: str) -> None:
    before, after = entry(0.12) | {"by_chance": 0.03}, entry(0.06) | {"by_chance": 0.04}
    calibration = {
        "as_predicted": {"scaling": None, "reason": None, "test": {"ece": before}},
        "temperature": {"scaling": {"temperature": temperature}, "reason": None, "test": {"ece": after}},
    }
    first, second = decision_words.calibration_sentences(calibration)
    assert "0.120 apart" in first
    assert f"is {temperature:.2f}: there the model is {how}." in second
    assert "With it the ECE on test is 0.060, by chance 0.040." in second


def test_cases_in_both_parts_are_told(complete_run: RunFolder, changeable_run: RunFolder, tmp_path: Path) -> None:
    path = changeable_run.evaluation / "decisions.json"
    write_json(path, read_json(path) | {"cases_in_both": 7})
    assert "7 cases have images in both parts" in Page(write_run_report(read_run(changeable_run))).text
    assert "in both parts" not in Page(write_run_report(read_run(complete_run), tmp_path / "report.html")).text
