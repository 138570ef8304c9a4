from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from printed_numbers import numbers_in, numbers_of_run, printable, text_of_page

from osteolens.errors import DataError
from osteolens.reporting.model_card import write_model_card
from osteolens.reporting.run_results import read_run
from osteolens.storage import RunFolder, read_table, write_json, write_table

SECTIONS = [
    *("Model details", "Intended use", "Factors", "Metrics", "Evaluation data", "Training data"),
    *("Quantitative analyses", "Ethical considerations", "Caveats and recommendations"),
]
NOT_FIGURES = (  # all that may stand in a card without standing in a file
    *("FAT* 2019", "Apache License 2.0", "it is never counted as 0", "fewer than 10 cases", "1 means no preference"),
    *("lower is better, 0 is the best", "SHA-256"),
)
NOT_SHOWN = frozenset({"decision_curves", "bins"})  # long lists of numbers, among which any number would be found


@pytest.fixture(scope="module")
def unchanged(complete_run: RunFolder, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The card of the complete run as it is."""
    return card_of(RunFolder(Path(shutil.copytree(complete_run.root, tmp_path_factory.mktemp("unchanged") / "run"))))


def card_of(run: RunFolder) -> str:
    return write_model_card(read_run(run)).read_text(encoding="utf-8")


@pytest.mark.parametrize("which", ["changeable_run", "changeable_bare_run"])
def test_every_number_stands_in_a_file(which: str, request: pytest.FixtureRequest) -> None:
    run: RunFolder = request.getfixturevalue(which)
    path = write_model_card(read_run(run))
    known = printable(numbers_of_run(run.root, NOT_SHOWN))
    printed = numbers_in(path.read_text(encoding="utf-8"), NOT_FIGURES)
    assert len(printed) > 300
    assert sorted({number for number in printed if number not in known}) == []
    on_page = numbers_in(text_of_page(path.with_suffix(".html")), NOT_FIGURES)
    assert set(on_page) == set(printed)


def test_a_number_of_no_file_would_be_found() -> None:
    known = printable([0.7015985790408525, 563, 0.95, "accuracy 0.512 of 12 images"])
    text = "0.702 (0.70), 70.2%, 70%, 563 images, 95%, 0.512, 12"
    assert not set(numbers_in(text)) - known
    for wrong in ("0.703", "564", "0.71", "94%", "13", "70.3 %"):
        assert set(numbers_in(f"accuracy {wrong}.")) - known, wrong
    assert numbers_in("torch 2.9.1, hash 0a1b2c, IMG000001, doi 10.1145/3287560.3287596, F1") == []
    assert numbers_in("-0.192 (-0.25 to -0.14), 1,000 of 3,746; 0.64\N{EN DASH}0.76") == [
        *[("0.192", False), ("0.25", False), ("0.14", False), ("1,000", False), ("3,746", False)],
        *[("0.64", False), ("0.76", False)],
    ]


def test_sections_are_those_of_model_cards(changeable_run: RunFolder) -> None:
    card = card_of(changeable_run)
    assert re.findall(r"^## (.+)$", card, flags=re.MULTILINE) == SECTIONS
    assert "Not for clinical use." in card
    page = (changeable_run.root / "model_card.html").read_text(encoding="utf-8")
    assert re.findall(r"<h2[^>]*>(.+?)</h2>", page) == SECTIONS
    anchors = re.findall(r' id="([^"]+)"', page)
    assert len(set(anchors)) == len(anchors)
    assert set(re.findall(r'href="#([^"]+)"', page)) <= set(anchors)
    assert "<script>" not in page
    for text in (card, page):
        assert "/somebodys" not in text


def test_a_second_card_is_the_same(changeable_run: RunFolder) -> None:
    run = changeable_run
    first = [path.read_bytes() for path in (write_model_card(read_run(run)), run.root / "model_card.html")]
    assert [path.read_bytes() for path in (write_model_card(read_run(run)), run.root / "model_card.html")] == first


SUMMARY, PANEL, DECISIONS = (f"evaluation/{name}.json" for name in ("metrics_summary", "honesty", "decisions"))
MALIGNANT = "Malignant against the rest"


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        (SUMMARY, ("overall", "accuracy", "value")),
        (SUMMARY, ("overall", "macro_auc", "low")),
        (SUMMARY, ("per_class", "Malignant", "sensitivity", "value")),
        (SUMMARY, ("confusion_matrix", 2, 0)),
        (PANEL, ("blind", "demographics", "scores", "accuracy", "value")),
        (PANEL, ("blind", "image_header", "advantage", "accuracy", "high")),
        (PANEL, ("within_sources", "pooled", "value")),
        (PANEL, ("within_sources", "sources", "north", "malignant")),
        (PANEL, ("subgroups", "groupings", "sex", "F", "accuracy", "value")),
        (PANEL, ("subgroups", "groupings", "source", "west", "sensitivity", "Benign", "value")),
        (PANEL, ("subgroups", "worst", "accuracy", "compared")),
        (DECISIONS, ("operating_points", "questions", MALIGNANT, "high_sensitivity", "threshold")),
        (DECISIONS, ("calibration", "temperature", "test", "ece", "value")),
        (DECISIONS, ("conformal", "test", "per_class", "Malignant", "coverage", "value")),
        (DECISIONS, ("selective", "augrc", "value")),
        ("gradcam/annotation_report.json", ("overall", "iou_0.5", "value")),
        ("robustness/corruption.json", ("curves", "blur", 0, "loss", "accuracy", "value")),
        ("leakage.json", ("train_images",)),
    ],
)
def test_a_changed_number_changes_the_card(
    changeable_run: RunFolder, unchanged: str, name: str, keys: tuple[str | int, ...]
) -> None:
    path = changeable_run.root / name
    record = json.loads(path.read_text(encoding="utf-8"))
    *way, last = keys
    holder: Any = record
    for step in way:
        holder = holder[step]
    holder[last], shown = (4711, "4,711") if isinstance(holder[last], int) else (0.98764, "0.988")
    write_json(path, record)
    assert card_of(changeable_run).count(shown) > unchanged.count(shown)


def test_what_was_not_made_is_said(changeable_bare_run: RunFolder) -> None:
    card = card_of(changeable_bare_run)
    assert "The maps were not made for this run." in card
    assert "This was not measured for this run. osteolens robustness measures it." in card
    assert "Nothing was chosen on other images: there is no validation part" in card
    assert "| Parameters | not recorded |" in card
    assert "The files of the run do not say where its images come from." in card
    assert "Yao et al." not in card


def test_leakage_is_told_and_advised_on(changeable_run: RunFolder) -> None:
    card = card_of(changeable_run)
    points = card[: card.index("## Model details")]
    assert "The sentence on 18 shared test images. Its figures also reward" in points
    assert "- Do not quote these figures for new patients" in card


def test_the_card_does_not_say_what_is_not_recorded(changeable_run: RunFolder) -> None:
    card = card_of(changeable_run)
    assert "whether the test figures were looked at while the recipe was sought is not recorded" in card
    assert "served for nothing else" not in card


def test_what_a_model_without_pixels_means_is_told_in_the_words_of_the_page(changeable_run: RunFolder) -> None:
    path = changeable_run.evaluation / "honesty.json"
    panel = json.loads(path.read_text(encoding="utf-8"))
    for model in panel["blind"].values():
        model["advantage"]["accuracy"] |= {"value": -0.1, "low": -0.2, "high": -0.05, "reason": None}
    write_json(path, panel)
    card = card_of(changeable_run)
    said = "- Split stratified: The model does worse than one that sees no pixel and is given "
    assert said in card[: card.index("## Model details")]


def test_weights_are_named_by_their_hash(changeable_run: RunFolder) -> None:
    run = changeable_run
    hash_line = f"| SHA-256 of the weights | {'0a1b' * 16} |"
    assert hash_line in card_of(run)
    write_table(run.predictions, read_table(run.predictions).drop(columns="checkpoint_sha256"))
    assert "| SHA-256 of the weights | not recorded |" in card_of(run)


def test_number_of_parameters_is_that_of_the_provenance(changeable_run: RunFolder) -> None:
    run = changeable_run
    record = json.loads(run.provenance.read_text(encoding="utf-8"))
    write_json(run.provenance, record | {"parameters": 4_011_391})
    assert "| Parameters | 4,011,391 |" in card_of(run)


def test_kept_epoch_is_the_best_of_the_log(changeable_run: RunFolder) -> None:
    run = changeable_run
    assert "Trained for 3 of at most 3 epochs. Epoch 2 was kept, chosen by val_macro_auc = 0.768." in card_of(run)
    write_table(run.log, read_table(run.log).drop(columns="val_macro_auc"))
    assert "Without a validation part the last epoch was kept." in card_of(run)


def test_missing_file_is_named(changeable_run: RunFolder) -> None:
    run = changeable_run
    (run.evaluation / "honesty.json").unlink()
    with pytest.raises(DataError, match=r"honesty\.json is missing; osteolens eval makes it"):
        write_model_card(read_run(run))
    assert not (run.root / "model_card.md").exists()
