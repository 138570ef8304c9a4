"""The page on somebody else's predictions: with and without what may be known beside them."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from html_page import Page
from printed_numbers import leaves, numbers_in, printable

from osteolens.config import Config
from osteolens.errors import DataError
from osteolens.experiments.foreign import evaluate_table
from osteolens.reporting.foreign_report import write_foreign_report
from osteolens.reporting.foreign_results import read_foreign
from osteolens.storage import RunFolder, read_json, write_json

CLASSES = ["Normal", "Benign", "Malignant"]
CHAPTERS = [
    *("What was given, and what is missing", "Can these figures be trusted?", "Main figures"),
    *("Decisions and calibration", "Several views of one case", "Subgroups", "Limits"),
]
FEW = Config().with_overrides("evaluation.bootstrap_resamples=100")
PARTS = {"train": 36, "val": 30, "test": 30}
FIXED_NUMBERS = {("0", False), ("1", False)}  # "0 is the best", "a sum of 1"
NOT_SHOWN = frozenset({"curve", "bins"})  # long lists of numbers, among which any number would be found


def images() -> pd.DataFrame:
    """Return what is known of made-up images: two of each case, each case in one part, classes in turn."""
    number = sum(PARTS.values())
    place = np.arange(number)
    return pd.DataFrame(
        {
            "image_id": [f"film{index}.png" for index in place],
            "label": np.array(CLASSES)[(place // 2) % 3],
            "case_id": [f"patient-{index // 2}" for index in place],
            "split": np.repeat(list(PARTS), list(PARTS.values())),
        }
    )


def answers(rows: pd.DataFrame) -> pd.DataFrame:
    drawn = np.random.default_rng(4).dirichlet(np.ones(3), len(rows))
    scores = drawn + 0.6 * (rows["label"].to_numpy()[:, None] == np.array(CLASSES))
    shares = pd.DataFrame(scores / scores.sum(axis=1, keepdims=True), columns=[f"P {name}" for name in CLASSES])
    return shares.assign(File=rows["image_id"].to_numpy())


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """An evaluation with labels, cases and the split; no test changes it."""
    folder, known = tmp_path_factory.mktemp("whole"), images()
    answers(known[known["split"] != "train"]).to_csv(folder / "theirs.csv", index=False)
    known.drop(columns="split").to_csv(folder / "labels.csv", index=False)
    known[["image_id", "split"]].to_csv(folder / "split.csv", index=False)
    tables = {"labels": folder / "labels.csv", "split_table": folder / "split.csv"}
    evaluate_table(folder / "theirs.csv", folder / "out", FEW, **tables)
    return RunFolder(folder / "out")


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """An evaluation of rounded answers with their labels in the same table, and nothing else; no test changes it."""
    folder, known = tmp_path_factory.mktemp("bare"), images().query("split == 'test'")
    rounded = answers(known).round(2).assign(label=known["label"].to_numpy())
    rounded.to_csv(folder / "rounded.csv", index=False)
    evaluate_table(folder / "rounded.csv", folder / "out", FEW, renormalise=True)
    return RunFolder(folder / "out")


def page_of(folder: RunFolder, out: Path) -> Page:
    shutil.copytree(folder.root, out)
    path = write_foreign_report(read_foreign(RunFolder(out)))
    assert path == out / "report.html"
    return Page(path)


def test_chapters_begin_with_what_was_given(whole: RunFolder, tmp_path: Path) -> None:
    page = page_of(whole, tmp_path / "out")
    assert [text for level, text in page.headings if level == 2] == CHAPTERS
    assert page.headings[0] == (1, "Evaluation report: theirs.csv")
    assert "Every predicted image was evaluated, and its label and case are known." in page.text
    assert "Without --data, copies under other names" in page.text
    assert "Without --labels" not in page.text
    assert "for 30 images of the test part (15 cases)." in page.text
    given = page.table("What the figures were made from")
    assert given["Split table"]["Name"] == "split.csv"
    assert given["Data set"] == {"Name": "not given", "SHA256 begins": ""}
    assert page.table("Columns")["Probability of Benign"] == {"Column of the file": "P Benign"}
    assert "Answers of a model that osteolens did not run, which names" in page.text
    origins = page.table("Where cases and sources come from")
    assert origins["Case (patient)"] == {"Taken from": "column case_id of labels.csv", "Images": "60"}
    assert origins["Source"] == {"Taken from": "not known", "Images": "60"}
    counts = page.table("Images with an answer")
    expected = {"Normal": "10", "Benign": "10", "Malignant": "10", "Images": "30", "Cases": "15"}
    assert counts == {"val": expected, "test (reported)": expected}
    assert page.table("Share of images with another image of the same case")["test (reported)"]["All images"] == (
        "0.0% (0 of 30)"
    )
    assert str(tmp_path) not in page.raw


def test_every_number_is_in_a_result_file(whole: RunFolder, bare: RunFolder, tmp_path: Path) -> None:
    for name, folder in (("whole", whole), ("bare", bare)):
        page = page_of(folder, tmp_path / name)
        printed = numbers_in(" ".join([page.text, *(str(picture["alt"]) for picture in page.all("img"))]))
        records = [read_json(path) for path in sorted(folder.root.glob("*.json"))]
        table = pd.read_csv(folder.predictions)
        counts = [
            number
            for _, part in table.groupby("split")
            for number in (len(part), part["case_id"].nunique(), *part["label"].value_counts())
        ]
        errors = leaves(read_json(folder.root / "decisions.json")["selective"])  # that of half the images is named
        known = printable([*leaves(records, NOT_SHOWN), *errors, *counts]) | FIXED_NUMBERS
        assert len(printed) > 200
        assert sorted({number for number in printed if number not in known}) == []


def test_what_is_missing_heads_the_page_and_is_said_once(bare: RunFolder, tmp_path: Path) -> None:
    page = page_of(bare, tmp_path / "out")
    assert [text for level, text in page.headings if level == 2] == CHAPTERS
    caveats = read_json(bare.root / "honesty.json")["caveats"]
    assert len(caveats) == 2
    assert "did not sum to 1" in caveats[0]
    assert "No table says of any of 30 predicted images which case (patient) they are of" in caveats[1]
    for caveat in caveats:
        assert page.text.count(caveat) == 1
        assert page.text.index(caveat) < page.text.index("accuracy of the model")
    assert "Without --labels, the labels are those of the data set or of the predictions themselves." in page.text
    assert "Without --split-table it cannot be told what the model has seen" in page.text
    assert "It is not known which images the model was trained on (osteolens eval takes a table" in page.text
    assert "Nothing was fitted" in page.text
    assert "no manifest was given" not in page.text
    assert not any(caption.startswith("Share of images") for caption in page.tables)
    assert read_json(bare.provenance)["renormalise"] is True


def test_the_conclusion_can_be_read_without_what_was_said_before(bare: RunFolder) -> None:
    results = read_foreign(bare)
    assert results.conclusion.startswith("On the 30 images of the test part")
    assert results.honesty["conclusion"] == " ".join([*results.caveats, results.conclusion])


def test_page_stands_alone(whole: RunFolder, tmp_path: Path) -> None:
    page = page_of(whole, tmp_path / "out")
    assert not {tag for tag, _ in page.elements} & {"script", "link", "iframe", "object", "embed"}
    assert all(str(picture["src"]).startswith("data:image/") for picture in page.all("img"))
    anchors = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(set(anchors)) == len(anchors)
    assert {str(link["href"])[1:] for link in page.all("a")} <= set(anchors)


@pytest.mark.parametrize("name", ["provenance.json", "decisions.json", "honesty.json", "metrics_summary.json"])
def test_records_of_other_answers_are_refused(whole: RunFolder, tmp_path: Path, name: str) -> None:
    path = Path(shutil.copytree(whole.root, tmp_path / "out")) / name
    write_json(path, read_json(path) | {"predictions_sha256": "0" * 64})
    with pytest.raises(DataError, match=rf"{name} is not of the answers in .* Run osteolens eval --predictions again"):
        read_foreign(RunFolder(path.parent))
    path.unlink()
    with pytest.raises(DataError, match=rf"{name} is missing; osteolens eval --predictions makes it"):
        read_foreign(RunFolder(path.parent))
