from __future__ import annotations

import itertools
import json
import re
import shutil
from typing import Any

import pandas as pd
import pytest
from html_page import Page
from printed_numbers import Printed, numbers_in, numbers_of_run, printable
from sklearn.metrics import accuracy_score, balanced_accuracy_score, confusion_matrix, precision_score, roc_auc_score

from osteolens.reporting.run_report import write_run_report
from osteolens.reporting.run_results import read_run
from osteolens.storage import RunFolder, read_json, write_json

CHAPTERS = [
    *("Can these figures be trusted?", "Main figures", "Decisions and calibration"),
    *("Several views of one case", "Subgroups"),
    *("Robustness to corrupted pictures", "Where the network looked", "Training and recipe"),
    *("Data, provenance, how to repeat", "Limits"),
]
CLASSES = ["Normal", "Benign", "Malignant"]
FIXED_NUMBERS = {
    ("0", False),  # "above 0 the change costs", "0 is the best"
    ("1", False),  # "1 means no preference", "a sum of 1"
    ("10", False),  # "fewer than 10 cases": osteolens.evaluation.estimates.FEWEST_DRAWN
    ("1.6", False),  # minutes: 31 + 32 + 33 seconds of the training log
}
ALL_MAPS = "gradcam/index.html"  # a page of its own beside this one, too large to be in it
NOT_SHOWN = frozenset({"curve", "bins"})  # long lists of numbers, among which any number would be found


@pytest.fixture(scope="module")
def page(complete_run: RunFolder, tmp_path_factory: pytest.TempPathFactory) -> Page:
    return Page(write_run_report(read_run(complete_run), tmp_path_factory.mktemp("page") / "report.html"))


@pytest.fixture(scope="module")
def printed(page: Page) -> list[Printed]:
    """The numbers of the text and of the descriptions of the figures."""
    return numbers_in(" ".join([page.text, *(str(picture["alt"]) for picture in page.all("img"))]))


def answers_on_test(run: RunFolder) -> pd.DataFrame:
    """Return the answers for the test part, read by pandas alone."""
    table = pd.read_csv(run.predictions)
    return table[table["split"] == "test"]


def not_in_files(printed: list[Printed], run: RunFolder) -> list[Printed]:
    known = printable(numbers_of_run(run.root, NOT_SHOWN)) | FIXED_NUMBERS
    return sorted({number for number in printed if number not in known})


def test_every_number_is_in_a_result_file(printed: list[Printed], complete_run: RunFolder) -> None:
    assert len(printed) > 500
    assert not_in_files(printed, complete_run) == []


def test_numbers_of_changed_files_are_not_found(printed: list[Printed], changeable_run: RunFolder) -> None:
    for path in changeable_run.root.rglob("*.json"):
        write_json(path, shrunk(read_json(path)))
    assert len(not_in_files(printed, changeable_run)) > 40


def shrunk(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: shrunk(item) for key, item in value.items()}
    if isinstance(value, list):
        return [shrunk(item) for item in value]
    return 0.97 * value if isinstance(value, float) else value


def test_main_figures_are_those_of_the_predictions(page: Page, complete_run: RunFolder) -> None:
    table = answers_on_test(complete_run)
    truth, given = table["label"], table["predicted"]
    scores = table[[f"prob_{name}" for name in CLASSES]].to_numpy()
    whole = page.table("All classes together")
    assert float(whole["Accuracy"]["Value"]) == pytest.approx(accuracy_score(truth, given), abs=5.01e-4)
    balanced = balanced_accuracy_score(truth, given)
    assert float(whole["Balanced accuracy"]["Value"]) == pytest.approx(balanced, abs=5.01e-4)
    per_class = page.table("Each class against the rest")
    for place, name in enumerate(CLASSES):
        row = per_class[name]
        assert row["Images"] == str((truth == name).sum())
        auc = roc_auc_score(truth == name, scores[:, place])
        assert float(row["AUC"].split()[0]) == pytest.approx(auc, abs=5.01e-4)
        precision = precision_score(truth == name, given == name)
        assert float(row["Precision"].split()[0]) == pytest.approx(precision, abs=5.01e-4)
    as_normal, as_benign, found = confusion_matrix(truth, given, labels=CLASSES)[2]
    assert (
        f"Of 18 Malignant images, {found} answered as Malignant, {as_normal} as Normal and {as_benign} as Benign"
        in (page.text)
    )
    assert any(
        f"Malignant answered as Normal {as_normal}, Benign {as_benign}," in str(i["alt"]) for i in page.all("img")
    )


def test_intervals_are_those_of_the_summary(page: Page, complete_run: RunFolder) -> None:
    summary = json.loads((complete_run.evaluation / "metrics_summary.json").read_text(encoding="utf-8"))
    entry = summary["overall"]["macro_auc"]
    low, high = map(float, page.table("All classes together")["Macro AUC"]["95% interval"].split("-"))
    assert (low, high) == pytest.approx((entry["low"], entry["high"]), abs=5.01e-4)
    sensitivity = summary["per_class"]["Benign"]["sensitivity"]
    cell = page.table("Each class against the rest")["Benign"]["Sensitivity"]
    figure, low, high = re.fullmatch(r"(0\.\d{3}) \((\d\.\d{3})-(\d\.\d{3})\)", cell).groups()
    limits = (sensitivity["low"], sensitivity["high"])
    assert float(figure) == pytest.approx(sensitivity["value"], abs=5.01e-4)
    assert (float(low), float(high)) == pytest.approx(limits, abs=5.01e-4)
    assert list(page.table("Each class against the rest")) == list(CLASSES)  # no means: they stand with all classes
    assert next(iter(page.table("Each class against the rest")["Benign"])) == "Sensitivity"
    assert "Intervals: 95%, from 100 bootstrap resamples of whole cases (bias-corrected and accelerated)." in page.text
    assert "The AUC of a class has DeLong's limits." in page.text


def test_chapters_and_their_order(page: Page) -> None:
    assert [text for level, text in page.headings if level == 2] == CHAPTERS
    assert page.headings[0] == (1, "Run report: tiny, split stratified")
    assert page.text.index("Not for clinical use") < page.text.index("Can these figures be trusted?")
    assert next(iter(page.tables)).startswith("Share of images with another image of the same case in train")


def test_page_can_be_read_without_seeing_it(page: Page) -> None:
    levels = [level for level, _ in page.headings]
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    pictures = page.all("img")
    assert len(pictures) == 1 + 3 + 4 + 1 + 5 + 1  # blind, main, decisions, corruptions, maps, training
    assert all(re.search(r"\d", picture["alt"] or "") for picture in pictures)
    tags = [tag for tag, _ in page.elements]
    assert tags.count("figure") == tags.count("figcaption") == len(pictures)
    assert all("scope" in attributes for attributes in page.all("th"))
    anchors = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(set(anchors)) == len(anchors)
    assert {str(link["href"])[1:] for link in page.all("a")} - {ALL_MAPS[1:]} <= set(anchors)
    named = [attributes["aria-labelledby"] for attributes in page.all("section")]
    assert set(named) <= set(anchors)


def test_page_stands_alone(page: Page) -> None:
    tags = {tag for tag, _ in page.elements}
    assert not tags & {"script", "link", "iframe", "object", "embed", "video", "audio"}
    kinds = ("svg+xml", "png", "jpeg")
    for tag, attributes in page.elements:
        for name in ("src", "href", "srcset", "action"):
            if value := attributes.get(name):
                pictures = tuple(f"data:image/{kind};base64," for kind in kinds)
                assert value.startswith(pictures if tag == "img" else "#") or value == ALL_MAPS
    assert sum(str(picture["src"]).startswith("data:image/svg+xml") for picture in page.all("img")) == 1 + 3 + 4 + 1
    assert not re.search(r"url\(|@import|https?://", page.raw)
    assert "<script" not in page.raw.lower()  # the provenance holds one, which must come out as text
    assert "<script>alert(1)</script>" in page.text
    assert "/somebodys" not in page.raw


def test_training_data_and_recipe(page: Page) -> None:
    kept = "Trained for 3 of at most 3 epochs. Epoch 2 was kept, chosen by val_macro_auc = 0.768."
    assert f"{kept} Training took 1.6 minutes." in page.text
    counts = page.table("Images and cases")
    assert counts["test"] == {"Normal": "18", "Benign": "18", "Malignant": "18", "Images": "54", "Cases": "27"}
    assert counts["all"]["Cases"] == "78"  # 87 pairs, of which 9 share their case with train
    assert page.table("Recipe")["training.learning_rate"] == {"Value": "0.0003"}
    assert page.table("Provenance")["packages.timm"] == {"Value": "1.0.22"}
    assert "osteolens run --config results/tiny/stratified/config.yaml --override experiment=tiny-repeated" in page.text


def test_maps_stand_beside_the_centre_prior(page: Page) -> None:
    rows = page.table("Agreement with the annotation")
    assert rows["IoU at 0.3"] == {
        "Maps": "0.123 (0.073-0.173)",
        "Centre prior": "0.057 (0.007-0.107)",
        "Edge density": "0.035 (-0.015 to 0.085)",
        "Random weights": "0.023 (-0.027 to 0.073)",
        "Maps, boxes included": "0.111 (0.061-0.161)",
    }
    assert rows["Share of the ceiling at 0.5"]["Maps"].startswith("0.823")
    assert rows["Average precision"]["Maps"].startswith("0.923")
    difference = page.table("Maps less baselines")["Pointing game"]
    assert difference["Map less centre prior"] == "+0.206 (+0.156 to +0.256)"
    assert page.table("Maps by source")["atlas"]["Pointing game: random weights"].startswith("0.303")
    assert set(page.table("Maps by class")) == {"Benign"}
    assert page.table("Maps by class")["Benign"]["Pointing game"] == "0.260 (0.210-0.310)"
    assert "in a share of 0.323 (0.273-0.373) of the 36 annotated images (18 cases)" in page.text
    assert "1 of 36 maps is 0 everywhere." in page.text
    assert [link["href"] for link in page.all("a")].count(ALL_MAPS) == 1
    assert any("TP 2 of 7, FP 0 of 0, FN 1 of 1" in str(picture["alt"]) for picture in page.all("img"))


def test_whether_the_maps_mean_something(page: Page) -> None:
    assert "ranges over all stages from 0.120 to 0.710, in single draws from 0.065 to 0.755." in page.text
    step = page.table("Likeness to the map")["Random down to classifier"]
    assert step["Rank correlation"].startswith("0.710")
    assert step["Rank correlation, single draws"] == "0.655 to 0.755"
    rows = page.table("Area under the deletion curve by answered class, fill blurred")
    assert list(rows) == ["All", *CLASSES]
    assert rows["Benign"]["Images"] == "8 (7 cases)"
    assert rows["Benign"]["Map"] == "0.310 (0.300-0.320)"
    assert rows["Benign"]["Random cells of the body"] == "0.360 (map -0.050 (-0.060 to -0.040))"
    assert "Fill blurred: the blurred picture. The fill alone is answered" in page.text


def test_a_run_without_proof_says_how(changeable_run: RunFolder) -> None:
    (changeable_run.explanation / "sanity.json").unlink()
    assert "osteolens gradcam --proof tries it." in Page(write_run_report(read_run(changeable_run))).text


def test_losses_by_corruption(page: Page, complete_run: RunFolder) -> None:
    table = answers_on_test(complete_run)
    exchanged = table.rename(columns={"prob_Normal": "prob_Benign", "prob_Benign": "prob_Normal"})
    answers = exchanged[[f"prob_{name}" for name in CLASSES]].idxmax(axis=1).str.removeprefix("prob_")
    after, before = (accuracy_score(table["label"], given) for given in (answers, table["predicted"]))
    row = page.table("Figures of the test part and losses")["Blur 1.5"]
    assert float(row["Accuracy"].split()[0]) == pytest.approx(after, abs=5.01e-4)
    losses = page.tables[next(caption for caption in page.tables if "losses" in caption)][2]
    assert float(losses[2].split()[0]) == pytest.approx(before - after, abs=5.01e-4)
    assert "Blur: Soft edges. Strength: pixels." in page.text
    assert "Not measured yet: noise." in page.text


def test_more_malignant_answers_are_no_gain(changeable_run: RunFolder) -> None:
    path, said = changeable_run.robustness / "corruption.json", "A loss of sensitivity below 0 is no gain by itself"
    record = read_json(path)
    loss = record["curves"]["blur"][0]["loss"]
    for value, is_said in ((-0.1, True), (0.1, False)):
        loss["sensitivity"]["Malignant"] |= {"value": value, "low": value - 0.05, "high": value + 0.05}
        loss["balanced_accuracy"] |= {"value": 0.432, "low": 0.4, "high": 0.46}
        write_json(path, record)
        page = Page(write_run_report(read_run(changeable_run)))
        assert (said in page.text) is is_said
        row = page.table("Figures of the test part and losses")["Blur 1.5"]
        assert row["Loss of balanced accuracy"] == "+0.432 (+0.400 to +0.460)"


def test_what_was_not_made_says_how(changeable_run: RunFolder) -> None:
    shutil.rmtree(changeable_run.explanation)
    shutil.rmtree(changeable_run.robustness)
    bare = Page(write_run_report(read_run(changeable_run)))
    assert "The maps were not made for this run. osteolens gradcam makes them." in bare.text
    assert "This was not measured for this run. osteolens robustness measures it." in bare.text
    assert [text for level, text in bare.headings if level == 2] == CHAPTERS


def test_page_is_the_same_when_made_again(page: Page, changeable_run: RunFolder) -> None:
    assert write_run_report(read_run(changeable_run)) == changeable_run.report
    assert changeable_run.report.read_text(encoding="utf-8") == page.raw
