from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from damage import damaged
from html_page import Page
from run_files import CLASSES

from osteolens.errors import DataError
from osteolens.reporting.case_chapter import case_chapter
from osteolens.reporting.run_report import write_run_report
from osteolens.reporting.run_results import RunResults, read_run
from osteolens.storage import RunFolder, read_json, write_json

CASES = "case_answers.json"


@pytest.fixture(scope="module")
def page(complete_run: RunFolder, tmp_path_factory: pytest.TempPathFactory) -> Page:
    return Page(write_run_report(read_run(complete_run), tmp_path_factory.mktemp("page") / "report.html"))


def changed(run: RunFolder, **values: Any) -> RunResults:
    """Return the run with other values in the record."""
    path = run.evaluation / CASES
    write_json(path, read_json(path) | values)
    return read_run(run)


def sentences(run: RunResults) -> str:
    return " ".join(str(block.content) for block in case_chapter(run).blocks if block.kind in {"text", "list", "soft"})


def test_figures_are_those_of_the_predictions(page: Page, complete_run: RunFolder) -> None:
    table = pd.read_csv(complete_run.predictions)
    manifest = pd.read_csv(complete_run.manifest).set_index("image_id")["case_id"]
    table = table[table["split"] == "test"].assign(case=lambda rows: rows["image_id"].map(manifest))
    columns = [f"prob_{name}" for name in CLASSES]
    right, single = [], []
    for _, views in table.groupby("case"):
        assert len(set(views["label"])) == 1
        product = views[columns].prod().to_numpy()  # the temperature changes no class
        right.append(CLASSES[product.argmax()] == views["label"].iloc[0])
        single.append((views["predicted"] == views["label"]).mean())
    shown = page.table("Cases of several views: 27 cases (9 Normal, 9 Benign, 9 Malignant) of 54 views, 95% intervals")
    assert float(shown["Answer for the case"]["Accuracy"].split()[0]) == pytest.approx(np.mean(right), abs=5.01e-4)
    assert float(shown["One of its views"]["Accuracy"].split()[0]) == pytest.approx(np.mean(single), abs=5.01e-4)
    gain = float(shown["Difference"]["Accuracy"].split()[0])
    assert gain == pytest.approx(np.mean(right) - np.mean(single), abs=5.01e-4)
    figures = ["Accuracy", "Balanced accuracy", "Macro AUC", "AUC Malignant", "Sensitivity Malignant"]
    assert list(shown["P-value of the difference"]) == figures
    assert "The probabilities are those after temperature scaling." in page.text
    assert "Only views in the test part are combined." in page.text


def entry(low: float | None, high: float | None) -> dict[str, Any]:
    value = 0.1 if low is None or high is None else (low + high) / 2
    return {"value": value, "low": low, "high": high, "reason": None, "p_value": 0.5}


@pytest.mark.parametrize(
    ("accuracy", "other", "told"),
    [
        (
            (0.1, 0.2),
            (-0.1, 0.1),
            "does better in Accuracy than that to one of them; in the others no clear difference",
        ),
        ((-0.2, -0.1), (0.0, 0.1), "does worse in Accuracy than that to one of them; in the others"),
        (
            (-0.2, -0.1),
            (0.1, 0.2),
            "AUC Malignant, Sensitivity Malignant and worse in Accuracy than that to one of them.",
        ),
        ((-0.1, 0.1), (None, None), "In no figure does the answer for a case of several views differ clearly"),
    ],
)
def test_a_difference_is_clear_where_its_interval_leaves_out_nothing(
    changeable_run: RunFolder, accuracy: tuple[float, float], other: tuple[float | None, float | None], told: str
) -> None:
    group = read_json(changeable_run.evaluation / CASES)["several_views"]
    by_class = {name: entry(*other) for name in CLASSES}
    rest = {"balanced_accuracy": entry(*other), "macro_auc": entry(*other), "auc": by_class, "sensitivity": by_class}
    run = changed(changeable_run, several_views=group | {"difference": {"accuracy": entry(*accuracy), **rest}})
    assert told in sentences(run)


def test_agreement_and_what_is_left_out_are_told(changeable_run: RunFolder) -> None:
    share = {"value": 0.75, "low": 0.5, "high": 0.9, "reason": None, "n": 12, "cases": 12}
    none = {"value": None, "low": None, "high": None, "reason": "no image", "n": 0, "cases": 0}
    run = changed(
        changeable_run,
        agreement={"agree": share, "differ": none, "median_divergence_bits": 0.0625},
        excluded={"grouped": {"n": 234, "cases": 31}, "several_labels": {"n": 2, "cases": 1}},
    )
    told = sentences(run)
    assert "in 12 cases all views name the same class and the answer is right in 0.750 (0.500" in told
    assert "; in 0 cases they do not. The two least alike views of a case lie 0.06 bit apart" in told
    assert "Left out: 234 images in 31 groups of normals that are grouped by sex and age only" in told
    assert "Left out: 2 images in 1 case whose images bear different labels" in told


def test_a_run_without_several_views_says_so(changeable_run: RunFolder) -> None:
    path = changeable_run.evaluation / CASES
    head = {key: value for key, value in read_json(path).items() if key not in {"several_views", "all_cases"}}
    write_json(path, head | {"possible": False, "reason": "no case has views"})
    told = sentences(read_run(changeable_run))
    assert told == "Answers for cases were not evaluated: no case has views."


@pytest.mark.parametrize(
    ("place", "value", "told"),
    [
        (("predictions_sha256",), None, "lacks predictions_sha256"),
        (
            ("several_views", "difference", "accuracy", "p_value"),
            None,
            "lacks several_views.difference.accuracy.p_value",
        ),
        (("all_cases", "single_view", "auc", "Benign"), None, "is damaged at all_cases.single_view.auc: lacks Benign"),
        (("agreement", "differ", "cases"), "3", "is damaged at agreement.differ.cases: "),
        (("excluded", "grouped"), None, "lacks excluded.grouped"),
        (("several_views",), 3, "is damaged at several_views: "),
    ],
)
def test_a_damaged_record_is_told_with_the_place(
    changeable_run: RunFolder, place: tuple[str, ...], value: object, told: str
) -> None:
    damaged(changeable_run.evaluation / CASES, place, value)
    with pytest.raises(DataError) as caught:
        read_run(changeable_run)
    assert f"{CASES} {told}" in str(caught.value)
    assert "Run osteolens eval again." in str(caught.value)


def test_all_cases_stand_apart_only_where_some_have_one_view(changeable_run: RunFolder, page: Page) -> None:
    assert not any(caption.startswith("All cases") for caption in page.tables)
    group = read_json(changeable_run.evaluation / CASES)["several_views"]
    with_single = Page(write_run_report(changed(changeable_run, all_cases=group | {"n": 57, "cases": 30})))
    several, all_cases = with_single.table("Cases of several"), with_single.table("All cases, those of one view among")
    assert list(all_cases) == ["Answer for the case", "One of its views", "Difference", "P-value of the difference"]
    assert all_cases == several  # the figures are those of one record here
