"""Somebody else's predictions joined with labels, cases and the division they were trained on."""

from __future__ import annotations

import logging
from pathlib import Path

import pandas as pd
import pytest

from osteolens.config import DataOptions
from osteolens.errors import DataError, EvaluationError
from osteolens.experiments.foreign_images import division_leakage, known_images
from osteolens.experiments.foreign_predictions import ForeignPredictions, gather_predictions

CLASSES = ("Normal", "Benign", "Malignant")
LABELS = "image_id,label\na.jpeg,Normal\nb.jpeg,Malignant\nc.jpeg,Benign\nd.jpeg,Normal\n"
THEIRS = "File Name;P_Malignant;P_Normal\nx/b.PNG;0,75;0,25\na.tif;0,125;0,875\nd;0,25;0,75\n"
PAIR = "id,p_normal,p_malignant\na,0.75,0.25\nb,0.25,0.75\n"
TWO = LABELS.replace("c.jpeg,Benign\n", "")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def gather(
    folder: Path,
    theirs: str | bytes = THEIRS,
    labels: str | None = TWO,
    split: str | None = None,
    *,
    class_names: tuple[str, ...] = CLASSES,
    renormalise: bool = False,
) -> ForeignPredictions:
    paths: dict[str, Path | None] = {}
    for name, content in (("theirs", theirs), ("labels", labels), ("split_table", split)):
        paths[name] = None if content is None else folder / f"{name}.csv"
        if content is not None:
            (folder / f"{name}.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
    known = known_images(DataOptions(), labels=paths["labels"], split_table=paths["split_table"])
    return gather_predictions(folder / "theirs.csv", known, class_names, renormalise=renormalise)


def test_a_table_of_another_make_becomes_ours(folder: Path) -> None:
    table = gather(folder).table
    assert table.class_names == ("Normal", "Malignant")
    assert table.frame["image_id"].tolist() == ["b", "a", "d"]
    assert table.frame["label"].tolist() == ["Malignant", "Normal", "Normal"]
    assert table.probabilities.tolist() == [[0.25, 0.75], [0.875, 0.125], [0.75, 0.25]]
    assert table.splits == ("test",)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_marks_of_the_encoding_are_no_part_of_the_heading(folder: Path, encoding: str) -> None:
    table = gather(folder, THEIRS.encode(encoding)).table
    assert table.probabilities.tolist() == [[0.25, 0.75], [0.875, 0.125], [0.75, 0.25]]


def test_a_workbook_is_read_as_a_csv_is(folder: Path) -> None:
    expected = gather(folder).table.frame
    theirs = pd.DataFrame({"name": ["b", "a", "d"], "Malignant": [0.75, 0.125, 0.25], "normal": [0.25, 0.875, 0.75]})
    theirs.to_excel(folder / "theirs.xlsx", index=False)
    known = known_images(DataOptions(), labels=folder / "labels.csv")
    assert gather_predictions(folder / "theirs.xlsx", known, CLASSES).table.frame.equals(expected)


def test_labels_in_the_table_itself_will_do(folder: Path) -> None:
    table = gather(folder, "path,label,prob_no,prob_yes\np1/a.png,yes,0.25,0.75\np2/a.png,no,0.5,0.5\n", None).table
    assert table.class_names == ("no", "yes")
    assert table.frame["image_id"].tolist() == ["p1_a", "p2_a"]
    assert table.frame["label"].tolist() == ["yes", "no"]


def test_labels_are_spelled_as_the_classes(folder: Path) -> None:
    table = gather(folder, labels=TWO.replace("Malignant", "MALIGNANT")).table
    assert table.frame["label"].tolist() == ["Malignant", "Normal", "Normal"]


@pytest.mark.parametrize(
    ("theirs", "told"),
    [
        ("", "theirs.csv is empty"),
        ("image_id,p_normal,p_malignant\n", "theirs.csv: the table holds no image"),
        (b"\x00\x01\x02", "holds binary data"),
        ("image_id,p_normal,p_malignant\na,0.5,0.5,0.5\n", "more cells than the heading"),
        (THEIRS + "y/d.jpg;0,5;0,5\n", r"names 1 image\(s\) more than once, for example d and y/d.jpg"),
        (
            THEIRS + "e;0,5;0,5\n",
            r"1 of 4 predicted images have no label in .*labels.csv \(e\). Add the labels, or take",
        ),
        (THEIRS.replace("0,75;0,25", "75;25"), "theirs.csv: the numbers run from .* no probabilities"),
        (THEIRS.replace("0,75;0,25", "0,75;"), "'' in P_Normal of b: no finite number"),
        ("image_id,p_normal\na,0.5\nb,0.5\nd,0.5\n", "no probability of Malignant; .* it is 1 - p_normal"),
        ("image_id,prediction\na,Normal\nb,Normal\nd,Normal\n", "prediction holds the answers alone"),
        (
            "image_id,prob_normal,prob_malignant,label\na,0.75,0.25,Malignant\n",
            r"1 image has another label here than .* \(a\)",
        ),
        ("image_id,prob_normal,prob_malignant,predicted\na,0.75,0.25,malignant\n", "not the most probable one"),
    ],
)
def test_a_doubtful_table_is_refused(folder: Path, theirs: str | bytes, told: str) -> None:
    with pytest.raises((DataError, EvaluationError), match=told):
        gather(folder, theirs)


def test_without_any_labels_the_option_is_named(folder: Path) -> None:
    with pytest.raises(EvaluationError, match="Name their table with --labels, or add a column label"):
        gather(folder, labels=None)


def test_answers_that_are_no_classes_are_left_unread(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    table = gather(folder, "image_id,prob_normal,prob_malignant,predicted\na,0.75,0.25,1\n").table
    assert table.frame["predicted"].tolist() == ["Normal"]
    assert "the column of answers is not read" in caplog.text


def test_labels_without_prediction_and_unknown_cases_are_told(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    caveats = gather(folder, labels=LABELS).caveats
    assert list(caveats) == caplog.messages
    assert len(caveats) == 2
    assert "Of the labelled images, 1 has no prediction (label Benign: 1; c)" in caplog.text
    assert "No table says of any of 3 predicted images which case" in caplog.text
    assert "Add a column case_id to the labels, or name the column of the labels that tells it, such as" in caplog.text
    assert "-o 'data.columns={case_id: patient}'." in caplog.text


def test_a_label_that_is_a_number_is_told_from_the_count(folder: Path) -> None:
    numbers = "image_id,label,case_id\na,0,\nb,1,2\n" + "".join(f"x{index},0,3\n" for index in range(1200))
    caveats = gather(folder, "id,prob_0,prob_1\na,0.75,0.25\nb,0.5,0.5\n", numbers).caveats
    assert "Of the labelled images, 1,200 have no prediction (label 0: 1,200; x0, x1, " in caveats[-1]
    assert "No table says of 1 of 2 predicted images which case" in caveats[0]


def test_nothing_is_told_where_all_is_known(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    labels = "image_id,label,case_id,split\na,Normal,1,test\nb,Malignant,1,test\nd,Normal,2,Test\nc,Normal,2,Train\n"
    foreign = gather(folder, labels=labels)
    assert foreign.table.cases.tolist() == ["1", "1", "2"]
    assert caplog.messages == []
    assert foreign.manifest is not None
    assert foreign.manifest[["image_id", "split", "case_id"]].to_numpy().tolist() == [
        ["c", "train", "2"],
        *(["b", "test", "1"], ["a", "test", "1"], ["d", "test", "2"]),
    ]


def test_what_it_was_trained_on_gives_parts_and_leakage(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    split = (
        "image_id,split,case_id,label\nq,train,7,Malignant\na.png,val,7,\nb.png,test,8,\nc.png,test,7,\nd,train,9,\n"
    )
    foreign = gather(folder, labels=LABELS, split=split)
    assert foreign.table.frame[["image_id", "split"]].to_numpy().tolist() == [["b", "test"], ["a", "val"]]
    assert "Of the predictions, 1 is of train images and left out" in caplog.text
    assert "Of the images of the evaluated parts, 1 has no prediction (label Benign: 1; c)" in caplog.text
    assert foreign.manifest is not None
    found = division_leakage(foreign.manifest, None)
    assert found["train_images"] == 2
    assert (found["evaluation"]["val"]["overall"]["shared"], found["evaluation"]["val"]["overall"]["n"]) == (1, 1)
    assert (found["evaluation"]["test"]["overall"]["shared"], found["evaluation"]["test"]["overall"]["n"]) == (0, 1)


def test_images_from_elsewhere_count_as_test_and_are_told(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    foreign = gather(folder, split="image_id,split,label\nq,train,Normal\nb,test,\n")
    assert foreign.table.splits == ("test",)
    assert (
        "Of 3 predicted images, 2 are not in the table of the split (a, d) and count as not trained on" in caplog.text
    )


@pytest.mark.parametrize(
    ("theirs", "split", "told"),
    [
        (None, "image_id,split\na,train\nb,train\nd,train\n", "split_table.csv: 3 predicted images, all of the train"),
        (None, "image_id,split\nq,train\nb,test\n", "/split_table.csv: 1 train image has no label, such as q"),
        (None, "image_id,split,label\nq,train,Benign\nb,test,\n", "/split_table.csv: train images are labelled Benign"),
        (
            None,
            "image_id,split,label\nq,train,Normal\nr,test,\n",
            r"/split_table.csv: no predicted image is in the table of the split: .* lists q, r; predicted are b, a, d",
        ),
        (None, "image_id,split\na,train\na.png,test\n", "more than once, for example a in 'train' and"),
        (None, "image_id,split\nx/a,train\ny/a.png,test\n", "for example x/a and y/a.png: both mean a"),
        (
            "image_id,split,prob_normal,prob_malignant\na,test,0.5,0.5\nb,validation,0.5,0.5\n",
            "image_id,split\na,train\nb,val\n",
            r"theirs.csv: 1 image is in another part here than in .*/split_table.csv, such as a: test here, train",
        ),
    ],
)
def test_a_division_that_contradicts_the_table_is_refused(
    folder: Path, theirs: str | None, split: str, told: str
) -> None:
    with pytest.raises((DataError, EvaluationError), match=told) as refusal:
        gather(folder, theirs or THEIRS, split=split)
    assert str(refusal.value).startswith(str(folder))
    assert str(refusal.value).count(".csv: ") <= 1


def test_images_in_no_part_are_told_since_they_may_have_been_trained_on(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    labels = LABELS.replace("Benign", "Normal") + "e.jpeg,Normal\n"
    gather(folder, labels=labels, split="image_id,split\nd,train\na,test\nb,test\n", theirs=PAIR)
    assert (
        "Of 5 labelled images, 2 are in no part of the table of the split and without a prediction (c, e)"
        in caplog.text
    )
    caplog.clear()
    whole = "image_id,split\nd,train\nc,train\ne,train\na,test\nb,test\n"
    gather(folder, labels=labels, split=whole, theirs=PAIR)
    assert "in no part" not in caplog.text


def test_a_class_that_nothing_is_labelled_as_is_told_with_its_column(folder: Path) -> None:
    theirs = "id,prob_Normal,prob_Malignant,prob_Extra\na,0.75,0.25,0\nb,0.5,0.25,0.25\nd,0.75,0.25,0\n"
    found = gather(folder, theirs)
    assert found.table.class_names == ("Normal", "Malignant", "Extra")
    assert found.caveats[0].startswith(
        "The column prob_Extra is read as the probability of Extra, but no image is label"
    )
    with pytest.raises(EvaluationError, match=r"sum to 0.75 to 0.75 .* Not read as classes: prob_Extra"):
        gather(folder, theirs, class_names=("Malignant", "Normal"))
    named = gather(folder, theirs.replace("0.5,0.25,0.25", "0.5,0.5,0"), class_names=("Malignant", "Normal"))
    assert named.table.class_names == ("Malignant", "Normal")
    assert named.caveats[0] == "Not read, since class_names does not name it: prob_Extra."
    assert named.headings == {"image_id": "id", "Malignant": "prob_Malignant", "Normal": "prob_Normal"}


def test_a_label_beside_the_classes_of_the_configuration_is_refused(folder: Path) -> None:
    with pytest.raises(EvaluationError, match=r"theirs.csv: the label\(s\) Malignant are none of the classes"):
        gather(folder, class_names=("Normal", "Benign"))


def test_rounded_answers_are_divided_on_request_and_it_is_told(folder: Path) -> None:
    theirs = "id,prob_Normal,prob_Malignant\na,0.75,0.25\nb,0.33,0.66\nd,0.5,0.51\n"
    with pytest.raises(EvaluationError, match="--renormalise divides each row by its sum"):
        gather(folder, theirs)
    found = gather(folder, theirs, renormalise=True)
    assert found.table.probabilities[1] == pytest.approx([1 / 3, 2 / 3])
    told = "The probabilities of 2 of 3 images did not sum to 1 (off by up to 0.010; allowed was 0.05) and were divided"
    assert found.caveats[0].startswith(told)
    assert not any("did not sum" in caveat for caveat in gather(folder, renormalise=True).caveats)


def test_answers_that_are_all_alike_are_told(folder: Path) -> None:
    theirs = "id,prob_Normal,prob_Malignant\na,0.75,0.25\nb,0.75,0.25\nd,0.75,0.25\n"
    assert gather(folder, theirs).caveats[0].startswith("All answers are alike: each of the 3 images")


@pytest.mark.parametrize(("labels", "are_known"), [("Normal,Malignant", True), ("healthy,sick", False)])
def test_built_in_cases_count_with_the_labels_of_the_release_only(folder: Path, labels: str, are_known: bool) -> None:
    """IMG000006 is Malignant and IMG001868 Normal in the release."""
    normal, malignant = labels.split(",")
    theirs = f"id,prob_{normal},prob_{malignant}\nIMG000006.jpeg,0.75,0.25\nIMG001868.jpeg,0.5,0.5\n"
    found = gather(folder, theirs, f"image_id,label\nIMG000006.jpeg,{malignant}\nIMG001868.jpeg,{normal}\n")
    assert (found.table.cases != ["IMG000006", "IMG001868"]).all() == are_known
    assert any("Of these, 2 bear the name of an image of BTXRD" in caveat for caveat in found.caveats) != are_known


def test_where_cases_and_sources_come_from_is_counted(folder: Path) -> None:
    """IMG000006 is Malignant and IMG001868 Normal in the release; the first table that tells counts."""
    labels = "image_id,label,case_id\nIMG000006.jpeg,Malignant,x\nIMG001868.jpeg,Normal,\n"
    theirs = "id,prob_Normal,prob_Malignant,Case-ID,source\nIMG000006,0.75,0.25,y,\nIMG001868,0.5,0.5,,own\n"
    assert gather(folder, theirs, labels).taken_from == {
        "case_id": {"column case_id of labels.csv": 1, "built-in table of BTXRD": 1},
        "source": {"built-in table of BTXRD": 1, "column source of theirs.csv": 1},
    }
    assert gather(folder, labels=TWO).taken_from == {"case_id": {"not known": 3}, "source": {"not known": 3}}
    split = "image_id,split,case_id\nd,train,1\na,test,2\nb,test,\n"
    assert gather(folder, labels=TWO, split=split).taken_from["case_id"] == {
        "not known": 1,  # d is a train image, which has no answer
        "column case_id of split_table.csv": 1,
    }
