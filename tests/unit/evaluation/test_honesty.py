from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest

from osteolens.evaluation.conclusion import advantage_verdict, conclude
from osteolens.evaluation.facts import gather_facts
from osteolens.evaluation.honesty import honesty_panel
from osteolens.evaluation.predictions import PredictionsTable
from osteolens.evaluation.resampling import Resampling
from osteolens.evaluation.summary import summarise
from osteolens.storage import to_json

CLASSES = ("Normal", "Benign", "Malignant")
TRAIN, TEST = 180, 90


def inputs() -> dict[str, pd.DataFrame]:
    """Two images a case, cases across the split; site for tumours only; one source is in the test part only."""
    generator = np.random.default_rng(8)
    images = TRAIN + TEST
    ids = [f"IMG{row:04d}.png" for row in range(images)]
    labels = np.arange(images) // 2 % 3
    manifest = pd.DataFrame({"image_id": ids, "label": np.array(CLASSES)[labels]})
    manifest["case_id"] = [f"case{(row + 30) // 2 if row < TRAIN else row // 2}" for row in range(images)]
    manifest["split"] = np.repeat(["train", "test"], [TRAIN, TEST])
    manifest["center"] = "1"
    manifest["source"] = generator.choice(["north", "south"], images)
    manifest.loc[images - 10 :, "source"] = "west"
    metadata = pd.DataFrame(
        {
            "image_id": ids,
            "age": generator.integers(1, 90, images),
            "gender": generator.choice(["F", "M"], images),
            "view": generator.choice(["frontal", "lateral"], images),
            "region": generator.choice(["upper limb", "lower limb"], images),
            "site": np.where(labels == 0, "", "femur"),
            "lesion_area": np.where(labels == 0, np.nan, generator.random(images) * 0.2),
        }
    )
    headers = pd.DataFrame(
        {"image_id": ids, "width": 256, "height": 256, "mode": "L", "bytes": generator.integers(5000, 9000, images)}
    )
    return {"manifest": manifest, "metadata": metadata, "headers": headers}


def predictions(manifest: pd.DataFrame, *, skill: float) -> PredictionsTable:
    test = manifest[manifest["split"] == "test"]
    scores = np.random.default_rng(9).dirichlet(np.ones(3), len(test))
    scores += skill * np.eye(3)[test["label"].map(CLASSES.index)]
    return PredictionsTable.from_arrays(
        CLASSES,
        image_ids=test["image_id"],
        labels=test["label"],
        probabilities=scores / scores.sum(axis=1, keepdims=True),
    )


def panel_of(
    table: PredictionsTable, *, leakage: dict[str, Any] | None = None, resamples: int = 200, **known: pd.DataFrame
) -> dict[str, Any]:
    facts = gather_facts(table, **known)
    summary = summarise(facts.table, Resampling(resamples))
    return honesty_panel(facts, summary, Resampling(resamples), leakage=leakage)


@pytest.fixture(scope="module")
def panel() -> dict[str, Any]:
    given = inputs()
    counts = {"n": 90, "shared": 30, "duplicated": 2, "near_duplicated": 0}
    leakage = {"evaluation": {"test": {"overall": counts}}, "sentence": "as leakcheck says"}
    return panel_of(predictions(given["manifest"], skill=0.3), **given, leakage=leakage)


def test_the_panel_is_standard_json_and_the_same_again(panel: dict[str, Any]) -> None:
    def refuse(constant: str) -> None:
        raise AssertionError(f"the panel holds {constant}")

    text = json.dumps(panel)  # plain values: no numpy number, no NaN below
    assert json.loads(text, parse_constant=refuse) == json.loads(to_json(panel)) == panel
    given = inputs()
    again = panel_of(predictions(given["manifest"], skill=0.3), **given)
    others = dict.fromkeys(("leakage", "conclusion", "conclusion_sentences"))
    assert {**again, **others} == {**panel, **others}


def test_sections_agree_with_the_tables(panel: dict[str, Any]) -> None:
    manifest = inputs()["manifest"]
    train, test = (manifest[manifest["split"] == part] for part in ("train", "test"))
    shared = int(test["case_id"].isin(set(train["case_id"])).sum())
    assert 0 < shared < TEST
    assert panel["siblings"]["with_sibling"]["n"] == shared
    assert panel["siblings"]["without_sibling"]["n"] == TEST - shared
    assert panel["scores"]["cases"] == test["case_id"].nunique()  # the manifest's, which the predictions do not name
    assert panel["origins"] == {"possible": True, "column": "source", "n": 90, "unseen_n": 10, "unseen": ["west"]}
    assert panel["within_sources"]["unseen"] == ["west"]
    assert panel["leakage"]["sentence"] == "as leakcheck says"


def numbers_in(value: Any) -> Iterator[float]:
    if isinstance(value, dict):
        for item in value.values():
            yield from numbers_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from numbers_in(item)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield float(value)


def test_every_number_of_the_conclusion_is_in_the_panel(panel: dict[str, Any]) -> None:
    known = set(numbers_in({key: value for key, value in panel.items() if not key.startswith("conclusion")}))
    assert " ".join(panel["conclusion_sentences"]) == panel["conclusion"]
    shares = {panel["siblings"]["with_sibling"]["n"] / panel["scores"]["n"]}
    written = {f"{number:.3f}" for number in known} | {f"{number:+.3f}" for number in known}
    written |= {f"{number:,.0f}" for number in known if number == int(number)}
    written |= {f"{100 * number:.1f}%".replace(".0%", "%") for number in known | shares}
    text = panel["conclusion"]
    for worst in panel["subgroups"]["worst"].values():
        text = text.replace(worst["group"], "")
    found = re.findall(r"[-+]?\d[\d,]*(?:\.\d+)?%?", text)
    assert len(found) > 30
    assert [number for number in found if number not in written] == []


def test_the_conclusion_says_what_the_figures_say(panel: dict[str, Any]) -> None:
    text = panel["conclusion"]
    assert "Of the 90 with a known source, 10 come from one that the train part does not have" in text
    assert "by itself it does not show that lesions are recognised" in text
    assert "The anatomical site is filled in for 100% of Benign, 100% of Malignant and 0% of Normal images" in text
    assert "2 images are byte-identical to a train image" in text
    assert "only that tells of new patients" in text
    assert text.endswith("None of these figures supports use on patients.")
    sensitivity = panel["scores"]["sensitivity"]["Malignant"]
    limits = f"({sensitivity['low']:.3f} to {sensitivity['high']:.3f})"
    assert f"It finds a share of {sensitivity['value']:.3f} {limits} of the 30 Malignant images." in text
    alone = panel["within_sources"]
    assert 0 < alone["unseen_n"] < 10
    assert f"train has no tumour of the source of {alone['unseen_n']} of them, which count as average" in text
    worst = panel["subgroups"]["worst"]["macro_auc"]
    assert f"Of the {worst['compared']} that have at least 5 cases of every class, macro AUC is lowest in" in text
    assert f"({worst['n']} images of {worst['cases']} cases)" in text
    assert "gender" not in text


def test_one_image_is_not_told_as_many(panel: dict[str, Any]) -> None:
    leakage = {"possible": True, "evaluation": {"test": {"overall": {"duplicated": 1, "near_duplicated": 0}}}}
    text = " ".join(conclude({**panel, "leakage": leakage, "scores": {**panel["scores"], "n": 1, "cases": 1}}))
    assert "On the 1 image of the test part (1 case) the model reaches" in text
    assert "1 image is byte-identical to a train image." in text


def test_a_better_model_is_told_as_one() -> None:
    given = inputs()
    found = panel_of(predictions(given["manifest"], skill=9.0), **given)
    assert found["blind"]["demographics_and_site"]["advantage"]["accuracy"]["low"] > 0
    assert "it does not come from these alone" in found["conclusion"]
    assert "not shown to tell malignant from benign" not in found["conclusion"]


def test_a_predictions_table_alone_gives_reasons() -> None:
    table = predictions(inputs()["manifest"], skill=0.3)
    found = panel_of(table, resamples=100)
    for section in ("leakage", "origins", "siblings", "within_sources"):
        assert found[section]["possible"] is False
        assert found[section]["reason"]
    assert not any(model["possible"] for model in found["blind"].values())
    assert set(found["subgroups"]["not_possible"]) == {
        *("center", "source", "sex", "age", "region", "view", "subtype", "lesion size")
    }
    text = found["conclusion"]
    assert text.count("It is not known which images the model was trained on (osteolens eval takes a table") == 1
    assert text.count("--split-table") == 1
    assert "manifest" not in text.lower()
    assert "neither whether it has seen the sources or the cases of these images" in text
    assert "Fewer than two subgroups have the 20 images" in found["conclusion"]


def test_no_sibling_all_siblings_and_unknown_cases_are_told_apart(panel: dict[str, Any]) -> None:
    def text(**siblings: Any) -> str:
        return " ".join(conclude({**panel, "siblings": {**panel["siblings"], **siblings}}))

    assert "None of the images has another image of the same case in the train part" in text(with_sibling={"n": 0})
    everyone = {**panel["siblings"]["with_sibling"], "n": 90}
    assert "90 of 90 images (100%)" in text(with_sibling=everyone, without_sibling={"n": 0})
    assert "nothing here tells of new patients" in text(with_sibling=everyone, without_sibling={"n": 0})
    assert "would go unseen" in text(cases_known=False)


def test_sources_all_known_or_all_new_are_told_as_such(panel: dict[str, Any]) -> None:
    def text(unseen: int) -> str:
        return " ".join(conclude({**panel, "origins": {**panel["origins"], "unseen_n": unseen}}))

    assert "Every image with a known source (90) is of a source that the train part has, so this does not" in text(0)
    assert "Every image with a known source (90) is of a source that the train part does not have: these" in text(90)


def test_a_source_alone_without_a_figure_is_no_finding(panel: dict[str, Any]) -> None:
    reason = "train has no tumour of these sources"
    text = " ".join(
        conclude({**panel, "within_sources": {**panel["within_sources"], "source_alone": {"reason": reason}}})
    )
    assert f"within a source; what knowing the source gives cannot be told: {reason}." in text
    assert "knowing nothing but the source gives" not in text
    assert "Since the source tells part of it" not in text


def test_one_subgroup_is_not_the_lowest(panel: dict[str, Any]) -> None:
    worst = {**panel["subgroups"]["worst"], "macro_auc": None}
    text = " ".join(conclude({**panel, "subgroups": {**panel["subgroups"], "worst": worst}}))
    assert "Fewer than two have 5 cases of every class, so none is the lowest in macro AUC." in text


def test_an_undefined_figure_is_not_told_in_the_brackets_of_an_interval(panel: dict[str, Any]) -> None:
    undefined = {"value": None, "low": None, "high": None, "reason": "no Malignant image in this part"}
    text = " ".join(conclude({**panel, "scores": {**panel["scores"], "macro_auc": undefined}}))
    assert "and a macro AUC that is not defined, since: no Malignant image in this part; in brackets stand" in text


@pytest.mark.parametrize(
    ("low", "high", "verdict", "sentence"),
    [
        (0.01, 0.2, "better", "exceeds that by +0.100 (+0.010 to +0.200)"),
        (-0.2, -0.01, "worse", "minus that is +0.100 (-0.200 to -0.010): an accuracy like this"),
        (-0.01, 0.2, "no_difference", "(-0.010 to +0.200), no clear difference: an accuracy like this"),
        (0.0, 0.2, "no_difference", "no clear difference"),
        (None, None, "unknown", "How the model compares with it cannot be told: of one case."),
    ],
)
def test_the_verdict_and_the_sentence_agree(
    panel: dict[str, Any], low: float | None, high: float | None, verdict: str, sentence: str
) -> None:
    advantage = {"accuracy": {"value": 0.1, "low": low, "high": high, "reason": "of one case"}}
    model = {**panel["blind"]["demographics"], "advantage": advantage}
    assert advantage_verdict(model) == verdict
    blind = {"class_shares": panel["blind"]["class_shares"], "demographics": model}
    assert sentence in " ".join(conclude({**panel, "blind": blind}))


def test_a_blind_model_that_is_not_possible_has_no_verdict() -> None:
    assert advantage_verdict({"possible": False, "reason": "none"}) == "unknown"
