from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
from html_page import Page
from sklearn.metrics import roc_auc_score

from osteolens.evaluation.conclusion import best_blind
from osteolens.reporting.case_chapter import case_chapter
from osteolens.reporting.decision_chapter import decision_chapter
from osteolens.reporting.honesty_chapter import honesty_chapter
from osteolens.reporting.performance_chapter import performance_chapter
from osteolens.reporting.run_report import write_run_report
from osteolens.reporting.run_results import read_run
from osteolens.reporting.subgroup_chapter import subgroup_chapter
from osteolens.storage import RunFolder, read_json, write_json

Change = Callable[[dict[str, Any]], None]


def page_with(run: RunFolder, change: Change) -> Page:
    """Return the page of a run whose panel was changed."""
    path = run.evaluation / "honesty.json"
    panel = read_json(path)
    change(panel)
    write_json(path, panel)
    return Page(write_run_report(read_run(run)))


@pytest.fixture(scope="module")
def page(complete_run: RunFolder, tmp_path_factory: pytest.TempPathFactory) -> Page:
    return Page(write_run_report(read_run(complete_run), tmp_path_factory.mktemp("page") / "report.html"))


@pytest.fixture(scope="module")
def table(complete_run: RunFolder) -> pd.DataFrame:
    """The answers for the test part with the manifest's columns, read by pandas alone."""
    manifest = pd.read_csv(complete_run.manifest)
    answers = pd.read_csv(complete_run.predictions)
    merged = answers.drop(columns=["case_id", "source"]).merge(manifest, on=["image_id", "label", "split"])
    merged["shared"] = merged["case_id"].isin(set(manifest.loc[manifest["split"] == "train", "case_id"]))
    return merged[merged["split"] == "test"]


def test_leakage_of_each_part_and_class(page: Page, table: pd.DataFrame) -> None:
    row = page.table("Share of images with another image")["stratified, test (reported)"]
    tumours = table[table["label"] != "Normal"]
    for heading, group in {"All images": table, "All tumours": tumours}.items():
        shared = group["shared"].sum()
        assert row[heading] == f"{100 * shared / len(group):.1f}% ({shared} of {len(group)})"
    assert page.table("Share of images with another image")["stratified, val"]["All images"] == "0.0% (0 of 48)"
    assert "The sentence on 18 shared test images. Its figures also reward recognising" in page.text


def test_scores_with_and_without_a_sibling(page: Page, table: pd.DataFrame) -> None:
    rows = page.table("With and without a sibling")
    right = table["label"] == table["predicted"]
    seen, new = right[table["shared"]].mean(), right[~table["shared"]].mean()
    assert (rows["With a sibling in train"]["Images"], rows["Without one: new cases"]["Images"]) == ("18", "36")
    assert float(rows["With a sibling in train"]["Accuracy"].split()[0]) == pytest.approx(seen, abs=5.01e-4)
    assert float(rows["Without one: new cases"]["Accuracy"].split()[0]) == pytest.approx(new, abs=5.01e-4)
    difference = rows["With minus without"]["Accuracy"].split()[0]
    assert difference[0] in "+-"
    assert float(difference) == pytest.approx(seen - new, abs=5.01e-4)
    sources = page.table("Images by source")
    counted = pd.crosstab(table["source"], table["shared"])
    for source, counts in counted.iterrows():
        assert sources[str(source)] == {"With a sibling": str(counts[True]), "Without": str(counts[False])}


def test_malignant_against_benign_within_each_source(page: Page, table: pd.DataFrame) -> None:
    rows = page.table("Malignant against benign, 95%")
    tumours = table[table["label"] != "Normal"]
    share = tumours["prob_Malignant"] / (tumours["prob_Malignant"] + tumours["prob_Benign"])
    for source, group in share.groupby(tumours["source"]):
        malignant = tumours.loc[group.index, "label"] == "Malignant"
        row = rows[f"Source {source}"]
        assert float(row["AUC"].split()[0]) == pytest.approx(roc_auc_score(malignant, group), abs=5.01e-4)
        assert row["Pairs"] == str(malignant.sum() * (~malignant).sum())
    assert float(rows["All tumours together"]["AUC"].split()[0]) == pytest.approx(
        roc_auc_score(tumours["label"] == "Malignant", share), abs=5.01e-4
    )


def test_blind_models_stand_beside_the_network(page: Page, complete_run: RunFolder) -> None:
    panel = read_json(complete_run.evaluation / "honesty.json")
    rows = page.table("Figures of the test part, 95% intervals by case")
    assert list(rows)[:2] == ["The model", "Commonest class"]
    assert rows["The model"]["Model minus this: accuracy"] == ""
    network, source = (float(rows[name]["Accuracy"].split()[0]) for name in ("The model", "Source only"))
    more = rows["Source only"]["Model minus this: accuracy"]
    assert float(more.split()[0]) == pytest.approx(network - source, abs=1.01e-3)
    limits = panel["blind"]["source"]["advantage"]["accuracy"]
    assert f"({limits['low']:+.3f} to {limits['high']:+.3f})" in more
    assert "Demographics, projection, site (age, sex, view, body region and anatomical site)" in rows
    assert (
        "The anatomical site is filled in for 100.0% of Benign, 100.0% of Malignant, 0.0% of Normal images."
        in page.text
    )
    assert "In train every image has the same colour mode." in page.text
    alts = [str(picture["alt"]) for picture in page.all("img")]
    assert any(f"the model {network:.3f}, Commonest class" in alt for alt in alts)


def test_each_sentence_of_the_conclusion_is_an_item(page: Page, complete_run: RunFolder) -> None:
    sentences = read_json(complete_run.evaluation / "honesty.json")["conclusion_sentences"]
    assert len(sentences) > 5
    assert " ".join(sentences) in page.text


def test_a_group_with_a_full_stop_in_its_name_stays_in_one_sentence(changeable_run: RunFolder) -> None:
    told = ["The caveat.", "Accuracy is lowest in source St. Mary (27 images): 0.702.", "432 of 564 are shared."]

    def change(panel: dict[str, Any]) -> None:
        panel |= {"caveats": told[:1], "conclusion": " ".join(told), "conclusion_sentences": told}

    page = page_with(changeable_run, change)
    for sentence in told[1:]:
        assert f"<li>{sentence}</li>" in page.raw
    assert f"<li>{told[0]}</li>" not in page.raw


def test_main_numbers_come_before_any_table(page: Page, table: pd.DataFrame) -> None:
    head = page.text[: page.text.index("Share of images")]
    malignant = table[table["label"] == "Malignant"]
    found = (malignant["predicted"] == "Malignant").sum()
    assert f"{found} of 18 Malignant images answered as Malignant" in head
    accuracy = (table["label"] == table["predicted"]).mean()
    assert f"{accuracy:.3f} accuracy of the model" in head
    tumours = table.loc[table["label"] != "Normal", "shared"]
    assert f"{tumours.mean():.1%} of tumour images share a case with train {tumours.sum()} of 36" in head


@pytest.mark.parametrize(
    ("low", "high", "severity", "said"),
    [
        (0.01, 0.2, "note", "The model does better than the best one that sees no pixel ("),
        (-0.2, -0.1, "problem", "The model does worse than one that sees no pixel and is given"),
        (-0.01, 0.2, "caution", "No clear difference shows between the model and one that sees no pixel"),
        (None, None, "caution", "Whether the model does better than one that sees no pixel and is given"),
    ],
)
def test_verdict_on_the_best_blind_model(
    changeable_run: RunFolder, low: float | None, high: float | None, severity: str, said: str
) -> None:
    def change(panel: dict[str, Any]) -> None:
        model = panel["blind"][best_blind(panel["blind"])]
        model["advantage"]["accuracy"] |= {"value": 0.1, "low": low, "high": high, "reason": None}

    text = page_with(changeable_run, change).text
    assert f"{severity}: Split stratified: {said}" in text
    assert "no better than" not in text


def test_what_could_not_be_worked_out_says_why(changeable_run: RunFolder) -> None:
    def change(panel: dict[str, Any]) -> None:
        panel["blind"] = {name: {"inputs": ["age"], "possible": False, "reason": "no age"} for name in ("a", "b")}
        panel["siblings"] = {"possible": False, "reason": "no manifest"}
        panel["origins"] = {"possible": False, "reason": "no origin"}
        panel["within_sources"] = {"possible": False, "reason": "no source"}
        panel["subgroups"] |= {
            "groupings": {},
            "not_possible": {"sex": "no sex"},
            "worst": dict.fromkeys(("accuracy", "macro_auc")),
        }

    page = page_with(changeable_run, change)
    assert page.text.count("No model without pixels could be scored: no age.") == 1
    assert "Scores with and without a sibling cannot be told: no manifest." in page.text
    assert "This cannot be told: no source." in page.text
    assert "Fewer than two subgroups have the 20 images that it takes to be ranked." in page.text
    assert "No table by sex: no sex." in page.text
    assert "sees no pixel" not in page.text


def test_no_new_source_is_told_as_none(changeable_run: RunFolder) -> None:
    def change(panel: dict[str, Any]) -> None:
        panel["origins"] = {"possible": True, "column": "source", "n": 54, "unseen_n": 0, "unseen": []}

    told = "Of the 54 evaluated images whose source is known, none come from one that the train part does not have."
    assert told in page_with(changeable_run, change).text


def test_normals_grouped_by_sex_and_age_are_an_upper_bound(changeable_run: RunFolder, page: Page) -> None:
    assert "an upper bound" not in page.text
    manifest = pd.read_csv(changeable_run.manifest, dtype=str)
    manifest.loc[0, "source"] = "hospital_unknown"
    manifest.to_csv(changeable_run.manifest, index=False)
    assert "an upper bound" in Page(write_run_report(read_run(changeable_run))).text


def test_rows_of_subgroups_tell_on_how_many_cases_they_rest(page: Page, table: pd.DataFrame) -> None:
    (row,) = (row for name, row in page.table("By source").items() if name.startswith("north"))
    group = table[(table["source"] == "north") & (table["label"] == "Malignant")]
    assert row["Sensitivity Malignant"].endswith(f"; {len(group)} images, {group['case_id'].nunique()} cases)")
    assert "Only sources that training has not seen tell of other hospitals" in page.text
    assert "by macro AUC only those with at least 5 cases of every class" in page.text


def test_chapters_of_anybodys_predictions_do_not_say_that_they_are_a_networks(complete_run: RunFolder) -> None:
    run = read_run(complete_run)
    chapters = (honesty_chapter, performance_chapter, decision_chapter, case_chapter, subgroup_chapter)
    for chapter in (made(run) for made in chapters):
        assert "network" not in repr(chapter).lower()


def test_sex_is_called_so_everywhere(page: Page) -> None:
    assert "gender" not in page.text


def test_small_subgroups_are_marked(changeable_run: RunFolder) -> None:
    def change(panel: dict[str, Any]) -> None:
        for scores in panel["subgroups"]["groupings"]["sex"].values():
            scores["ranked"] = False

    page = page_with(changeable_run, change)
    assert list(page.table("By sex")) == ["F (fewer than 20)", "M (fewer than 20)"]
    assert "fewer than" not in " ".join(page.table("By view"))
