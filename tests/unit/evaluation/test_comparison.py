from __future__ import annotations

import json

import numpy as np
import pytest
from compared import CLASSES, answers
from sklearn import metrics as sk

from osteolens.errors import EvaluationError
from osteolens.evaluation.compared_run import ComparedRun, TrainOverlap
from osteolens.evaluation.comparison import compare_runs
from osteolens.evaluation.delong import auc_difference
from osteolens.evaluation.holm import holm
from osteolens.evaluation.predictions import PredictionsTable
from osteolens.evaluation.resampling import Resampling
from osteolens.storage import to_json

CLEAN = TrainOverlap({"all": (0, 30), "tumours": (0, 20)}, new_sources=False)
LEAKING = TrainOverlap({"all": (12, 30), "tumours": (9, 20)}, new_sources=False)
ELSEWHERE = TrainOverlap({"all": (0, 30), "tumours": (0, 20)}, new_sources=True)
DRAWS = Resampling(100)
FIRST, SECOND = list(range(30)), list(range(21, 51))


def runs() -> list[ComparedRun]:
    """Recipe a on three kinds of split, recipe b on two of them."""
    return [
        ComparedRun("a", "stratified", answers(FIRST, skill=0.8), LEAKING),
        ComparedRun("a", "center", answers(list(range(51, 90)), skill=0.1), ELSEWHERE),
        ComparedRun("a", "case", answers(SECOND, skill=0.3), CLEAN),
        ComparedRun("b", "case", answers(SECOND, skill=0.6, seed=1), CLEAN),
        ComparedRun("b", "stratified", answers(FIRST, skill=0.2, seed=2), LEAKING),
    ]


@pytest.fixture(scope="module")
def record() -> dict:
    return compare_runs(runs(), DRAWS)


def test_honest_runs_stand_first(record: dict) -> None:
    assert [(run["label"], run["kind"]) for run in record["runs"]] == [
        ("a, case", "new_cases"),
        ("b, case", "new_cases"),
        ("a, center", "new_sources"),
        ("a, stratified", "leaking"),
        ("b, stratified", "leaking"),
    ]
    leaking = record["runs"][3]["train_overlap"]["shared"]["tumours"]
    assert leaking == {"n": 20, "shared": 9, "shared_fraction": 0.45}
    assert json.loads(to_json(record)) == record


def test_the_figures_are_those_of_scikit_learn(record: dict) -> None:
    table = answers(SECOND, skill=0.3)
    run = record["runs"][0]
    chosen = table.probabilities.argmax(axis=1)
    assert (run["n"], run["cases"], run["part"]) == (30, len(set(table.cases)), "test")
    assert run["per_class_n"] == dict(zip(CLASSES, np.bincount(table.labels).tolist(), strict=True))
    assert run["figures"]["accuracy"]["value"] == pytest.approx(sk.accuracy_score(table.labels, chosen))
    macro = sk.roc_auc_score(table.labels, table.probabilities, multi_class="ovr")
    assert run["figures"]["macro_auc"]["value"] == pytest.approx(macro)
    recalls = sk.recall_score(table.labels, chosen, average=None)
    assert [entry["value"] for entry in run["figures"]["sensitivity"].values()] == pytest.approx(recalls)
    false_alarms, found, _ = sk.roc_curve(table.labels == 2, table.probabilities[:, 2], drop_intermediate=False)
    expected = found[false_alarms <= 0.1 + 1e-9].max()
    assert run["figures"]["malignant_sensitivity_at_specificity"]["value"] == pytest.approx(expected)


def test_gaps_go_from_the_easier_kind_to_the_harder_one_of_each_experiment(record: dict) -> None:
    assert [(gap["first"], gap["second"]) for gap in record["gaps"]] == [
        ("a, stratified", "a, case"),
        ("a, stratified", "a, center"),
        ("b, stratified", "b, case"),
        ("a, case", "a, center"),
    ]
    values = {run["label"]: run["figures"]["accuracy"]["value"] for run in record["runs"]}
    for gap in record["gaps"]:
        entry = gap["figures"]["accuracy"]
        assert (entry["first"], entry["second"]) == (values[gap["first"]], values[gap["second"]])
        assert entry["value"] == pytest.approx(entry["first"] - entry["second"])
    # images 21 to 29 are in both test parts, of the cases 3-0, 3-1, 3-2, 4-0, 4-1 and 4-2
    assert [record["gaps"][0]["overlap"][key] for key in ("images_both", "cases_both")] == [9, 6]


def test_splits_of_one_kind_are_repeats_and_have_no_gap() -> None:
    folds = [ComparedRun("a", f"case-fold-{k}", answers(images), CLEAN) for k, images in enumerate((FIRST, SECOND))]
    assert compare_runs(folds, DRAWS)["gaps"] == []


def test_models_are_compared_where_the_images_are_the_same(record: dict) -> None:
    assert [(pair["first"], pair["second"], pair["n"]) for pair in record["comparisons"]] == [
        ("a, case", "b, case", 30),
        ("a, stratified", "b, stratified", 30),
    ]
    assert record["not_compared"] == []
    figures = record["comparisons"][0]["figures"]
    first, second = answers(SECOND, skill=0.3), answers(SECOND, skill=0.6, seed=1)
    rates = [float(np.mean(table.labels == table.probabilities.argmax(axis=1))) for table in (first, second)]
    assert [figures["accuracy"][key] for key in ("first", "second")] == pytest.approx(rates)
    assert figures["accuracy"]["value"] == pytest.approx(rates[0] - rates[1])
    malignant = figures["auc"]["Malignant"]
    scores = [table.probabilities[:, 2] for table in (second, first)]
    delong = auc_difference(first.labels == 2, scores[0], scores[1], first.cases, 0.95)
    assert malignant["method"] == "delong"
    assert (malignant["value"], malignant["low"], malignant["high"], malignant["p_value"]) == pytest.approx(
        (delong.difference, delong.low, delong.high, delong.p_value)
    )
    areas = [sk.roc_auc_score(first.labels == 2, table.probabilities[:, 2]) for table in (first, second)]
    assert [malignant["first"], malignant["second"]] == pytest.approx(areas)


def test_p_values_are_corrected_for_the_pairs_figure_by_figure(record: dict) -> None:
    for pick in (
        lambda figures: figures["accuracy"],
        lambda figures: figures["sensitivity"]["Benign"],
        lambda figures: figures["malignant_sensitivity_at_specificity"],
        lambda figures: figures["auc"]["Normal"],
    ):
        entries = [pick(pair["figures"]) for pair in record["comparisons"]]
        p_values = [entry["p_value"] for entry in entries]
        assert all(0 < p_value <= 1 for p_value in p_values)
        smaller = min(p_values)
        expected = [min(1, 2 * smaller) if p == smaller else max(p, min(1, 2 * smaller)) for p in p_values]
        assert [entry["p_holm"] for entry in entries] == pytest.approx(expected)
    assert record["holm"]["comparisons"]["accuracy"] == 2
    assert holm([0.01, 0.01]) == [0.02, 0.02]


def test_a_model_against_itself_differs_in_nothing() -> None:
    same = [ComparedRun(name, "case", answers(SECOND), CLEAN) for name in "ab"]
    (pair,) = compare_runs(same, DRAWS)["comparisons"]
    for entry in (pair["figures"]["accuracy"], pair["figures"]["malignant_sensitivity_at_specificity"]):
        assert (entry["value"], entry["p_value"], entry["low"]) == (0, 1, None)
        assert entry["reason"] == "the resamples do not differ: no interval"
    assert pair["figures"]["auc"]["Malignant"]["p_value"] is None
    assert pair["figures"]["auc"]["Malignant"]["reason"] == "the difference has no variance: no interval"


def test_other_images_or_labels_on_one_split_are_told() -> None:
    swapped = answers(FIRST, seed=3)
    frame = swapped.frame.assign(label=swapped.frame["label"].replace("Benign", "Normal"))
    made = compare_runs(
        [
            ComparedRun("a", "case", answers(FIRST), CLEAN),
            ComparedRun("b", "case", answers(SECOND), CLEAN),
            ComparedRun("c", "other", PredictionsTable(CLASSES, frame)),
        ],
        DRAWS,
    )
    assert made["comparisons"] == []
    first, second = made["not_compared"]
    assert first == {"first": "a, case", "second": "b, case", "reason": "they were not evaluated on the same images"}
    assert (second["first"], second["second"]) == ("a, case", "c, other")
    assert "different labels to 10 images" in second["reason"]


def test_a_table_of_anybody_is_of_unknown_kind_and_compared_all_the_same() -> None:
    foreign = ComparedRun("theirs", "", answers(SECOND, seed=4))
    made = compare_runs([ComparedRun("a", "case", answers(SECOND), CLEAN), foreign], DRAWS)
    assert [run["kind"] for run in made["runs"]] == ["new_cases", "unknown"]
    assert made["runs"][1]["label"] == "theirs"
    assert made["runs"][1]["train_overlap"] is None
    assert [(pair["first"], pair["second"]) for pair in made["comparisons"]] == [("a, case", "theirs")]


@pytest.mark.parametrize(
    ("overlap", "kind"),
    [
        (TrainOverlap({"all": (0, 30)}, copies=1), "leaking"),
        (TrainOverlap({"all": (1, 30)}, new_sources=True), "leaking"),
        (TrainOverlap({"all": (0, 30)}), "new_cases"),
        (None, "unknown"),
    ],
)
def test_kinds(overlap: TrainOverlap | None, kind: str) -> None:
    assert ComparedRun("a", "case", answers(FIRST), overlap).kind == kind


def test_without_known_cases_no_split_is_called_clean() -> None:
    table = answers(FIRST, case_id="")
    stems = PredictionsTable(CLASSES, table.frame.assign(case_id=table.frame["image_id"].str.removesuffix(".jpeg")))
    for unknown in (table, stems):
        assert ComparedRun("a", "case", unknown, CLEAN).kind == "unknown"
        assert ComparedRun("a", "center", unknown, ELSEWHERE).kind == "new_sources"


def test_published_figures_only_for_the_classes_of_btxrd(record: dict) -> None:
    assert record["published"][0]["leaks"] is False
    assert record["published"][-1]["leaks"] is True
    assert len(record["targets"]) == 4
    frame = answers(FIRST).frame.rename(columns={"prob_Benign": "prob_Other"}).replace("Benign", "Other")
    other = ComparedRun("a", "case", PredictionsTable(("Normal", "Other", "Malignant"), frame))
    made = compare_runs([other], DRAWS)
    assert (made["published"], made["targets"]) == ([], [])


def test_runs_that_cannot_be_told_apart_or_compared_are_refused() -> None:
    with pytest.raises(EvaluationError, match="no run to compare"):
        compare_runs([], DRAWS)
    with pytest.raises(EvaluationError, match="several runs are called a, case"):
        compare_runs([ComparedRun("a", "case", answers(FIRST))] * 2, DRAWS)
    mixed = answers(FIRST)
    mixed = PredictionsTable(CLASSES, mixed.frame.assign(split=["val", "test"] * 15))
    with pytest.raises(EvaluationError, match=r"a, case holds the splits test, val"):
        compare_runs([ComparedRun("a", "case", mixed)], DRAWS)
    frame = answers(FIRST).frame.rename(columns={"prob_Benign": "prob_Other"}).replace("Benign", "Other")
    other = PredictionsTable(("Normal", "Other", "Malignant"), frame)
    with pytest.raises(EvaluationError, match="b, case has the classes Normal, Other, Malignant"):
        compare_runs([ComparedRun("a", "case", answers(FIRST)), ComparedRun("b", "case", other)], DRAWS)


def test_a_gap_that_cannot_be_told_leaves_the_others() -> None:
    torn = answers(list(range(51, 90)), skill=0.1)
    torn = PredictionsTable(CLASSES, torn.frame.assign(case_id="x" + torn.frame["case_id"]))
    clean = answers(list(range(45, 75)))  # images 51 to 74 are in both
    made = compare_runs(
        [
            ComparedRun("a", "stratified", answers(FIRST), LEAKING),
            ComparedRun("a", "case", clean, CLEAN),
            ComparedRun("a", "center", torn, ELSEWHERE),
        ],
        DRAWS,
    )
    assert [(gap["first"], gap["second"]) for gap in made["gaps"]] == [
        ("a, stratified", "a, case"),
        ("a, stratified", "a, center"),
    ]
    (refused,) = made["gaps_refused"]
    assert (refused["experiment"], refused["first"], refused["second"]) == ("a", "a, case", "a, center")
    assert "the tables give another case or label to 24 images" in refused["reason"]


def test_the_least_p_value_is_told_and_what_it_cannot_reach(record: dict) -> None:
    assert record["holm"]["least_p"] == pytest.approx(2 / 101)
    assert (record["holm"]["out_of_reach"], record["holm"]["reason"]) == ([], None)  # 2 x 2 / 101 is below 0.05
    few = compare_runs(runs(), Resampling(60))["holm"]
    assert few["least_p"] == pytest.approx(2 / 61)  # twice that is 0.066
    assert set(few["out_of_reach"]) == {name for name in few["comparisons"] if not name.startswith("auc ")}
    assert few["reason"].startswith(
        "60 resamples give no p below 0.033, which the correction for 2 pairs raises to 0.066"
    )
    assert few["reason"].endswith("take 80 resamples or more")  # 2 x 2 / 81 = 0.049, 2 x 2 / 80 = 0.05
