"""Somebody else's model evaluated by the command: on made-up files, on a phantom, and on the images of BTXRD."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from command import osteolens

from osteolens.errors import StorageError
from osteolens.evaluation.parts import evaluation_parts, predictions_sha256
from osteolens.evaluation.predictions import PredictionsTable
from osteolens.storage import read_json

CLASSES = ("Normal", "Benign", "Malignant")
FEW = ["-o", "evaluation.bootstrap_resamples=100", "-q"]


def answers(labels: pd.Series[str]) -> pd.DataFrame:
    """Return probabilities of a made-up model that is right more often than not."""
    drawn = np.random.default_rng(3).dirichlet(np.ones(3), len(labels))
    scores = drawn + 0.6 * (labels.to_numpy()[:, None] == np.array(CLASSES))
    return pd.DataFrame(scores / scores.sum(axis=1, keepdims=True), columns=[f"Score_{name}" for name in CLASSES])


def test_figures_are_those_worked_out_by_hand(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    theirs, labels, out = tmp_path / "theirs.csv", tmp_path / "labels.csv", tmp_path / "out"
    theirs.write_text("file,p_sick,p_well\n1.png,.9,.1\n2.png,.2,.8\n3.png,.4,.6\n4.png,.3,.7\n", encoding="utf-8")
    labels.write_text("image_id,label,case_id\n1,sick,a\n2,well,a\n3,sick,b\n4,well,c\n5,sick,c\n", encoding="utf-8")
    command = ["eval", "--predictions", theirs, "--labels", labels, "--out", out]
    assert osteolens(*command, "-o", "evaluation.bootstrap_resamples=100", "--json") == 0
    captured = capsys.readouterr()
    assert "Of the labelled images, 1 has no prediction (label sick: 1; 5)" in captured.err
    summary = json.loads(captured.out)
    assert (summary["n"], summary["cases"]) == (4, 3)
    assert summary["overall"]["accuracy"]["value"] == 0.75  # 3 is called well
    assert summary["per_class"]["sick"]["sensitivity"]["value"] == 0.5
    assert summary["per_class"]["sick"]["auc"]["value"] == 1.0  # .9 and .4 against .2 and .3
    assert read_json(out / "honesty.json")["leakage"]["possible"] is False
    assert read_json(out / "decisions.json")["fitted"] is False
    normal = pd.read_csv(out / "predictions.csv", dtype={"image_id": str, "case_id": str})
    assert normal["image_id"].tolist() == ["1", "2", "3", "4"]
    assert normal["case_id"].tolist() == ["a", "a", "b", "c"]
    assert normal["label"].tolist() == ["sick", "well", "sick", "well"]
    assert normal["prob_sick"].tolist() == [0.9, 0.2, 0.4, 0.3]
    table, _ = evaluation_parts(PredictionsTable.from_csv(out / "predictions.csv"))
    assert summary["predictions_sha256"] == predictions_sha256(table)


def test_labels_may_name_the_image_as_predictions_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    theirs, labels = tmp_path / "theirs.csv", tmp_path / "labels.csv"
    theirs.write_text("file,p_sick,p_well\n1.png,.9,.1\n2.png,.2,.8\n", encoding="utf-8")
    labels.write_text("File Name,label,patient\n1.png,sick,a\n2.png,well,b\n", encoding="utf-8")
    command = ["eval", "--predictions", theirs, "--labels", labels, "--out", tmp_path / "out", *FEW]
    assert osteolens(*command, "-o", "data.columns={case_id: patient}", "--json") == 0
    summary = json.loads(capsys.readouterr().out)
    assert (summary["n"], summary["overall"]["accuracy"]["value"]) == (2, 1.0)
    assert pd.read_csv(tmp_path / "out" / "predictions.csv")["case_id"].tolist() == ["a", "b"]
    labels.write_text("radiograph,label\n1.png,sick\n2.png,well\n", encoding="utf-8")
    assert osteolens(*command) == 1
    assert "labels.csv: no column names the image: there are radiograph, label" in capsys.readouterr().err


def test_nothing_of_somebody_else_is_written_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    theirs = tmp_path / "predictions.csv"
    theirs.write_text("file,label,p_sick,p_well\n1.png,sick,.9,.1\n2.png,well,.2,.8\n", encoding="utf-8")
    before = theirs.read_bytes()
    assert osteolens("eval", "--predictions", theirs, "--out", tmp_path, *FEW) == 2
    assert "would be written over. Name another folder with --out" in capsys.readouterr().err
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "config.yaml").touch()
    assert osteolens("eval", "--predictions", theirs, "--out", tmp_path / "run", *FEW) == 2
    assert "is the folder of a run" in capsys.readouterr().err
    assert theirs.read_bytes() == before
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["config.yaml"]
    (tmp_path / "out").mkdir()
    table = theirs.rename(tmp_path / "out" / "confusion_matrix.csv")
    assert osteolens("eval", "--predictions", table, "--out", tmp_path / "out", *FEW) == 2
    assert table.read_bytes() == before


def test_each_caveat_is_said_once(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    theirs = tmp_path / "theirs.csv"
    theirs.write_text("file,label,p_sick,p_well\n1.png,sick,.9,.1\n2.png,well,.2,.8\n", encoding="utf-8")
    assert osteolens("eval", "--predictions", theirs, "--out", tmp_path / "out", *FEW[:2]) == 0
    captured = capfd.readouterr()
    assert captured.out.startswith("On the 2 images of the test part")
    for caveat in read_json(tmp_path / "out" / "honesty.json")["caveats"]:
        assert (captured.out + captured.err).count(caveat) == 1


def test_nothing_of_an_earlier_call_passes_for_this_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs, out = tmp_path / "theirs.csv", tmp_path / "out"
    command = ["eval", "--predictions", theirs, "--out", out, *FEW]
    theirs.write_text("file,label,p_sick,p_well\n1.png,sick,.9,.1\n2.png,well,.2,.8\n", encoding="utf-8")
    assert osteolens(*command) == 0
    capsys.readouterr()
    earlier = {path.name: path.read_bytes() for path in out.iterdir()}
    theirs.write_text("file,label,p_sick,p_well\n1.png,sick,9,1\n2.png,well,2,8\n", encoding="utf-8")
    assert osteolens(*command) == 1  # refused: all that is there is still of one call, and it is said of which
    assert f"{out / 'report.html'} is left as it is: it is of an earlier call" in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in out.iterdir()} == earlier
    theirs.write_text("file,label,p_sick,p_well\n1.png,sick,.7,.3\n2.png,well,.4,.6\n", encoding="utf-8")

    def full(*_: object, **__: object) -> None:
        raise StorageError("no space left")

    monkeypatch.setattr("osteolens.experiments.foreign.evaluate", full)
    assert osteolens(*command) == 1  # accepted, then cut short
    assert sorted(path.name for path in out.iterdir()) == ["predictions.csv", "provenance.json"]


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["--labels", "l.csv"], 2, "--labels can be used with --predictions FILE only"),
        (["--split-table", "s.csv", "--out", "o"], 2, "--split-table, --out can be used with --predictions FILE only"),
        (["--renormalise"], 2, "--renormalise can be used with --predictions FILE only"),
        (["--predictions", "p.csv", "--split", "case"], 2, "what the model was trained on is given with --split-table"),
        (["--predictions", "p.csv", "--all-splits"], 2, "without --split and --all-splits"),
        (["--predictions", "p.csv", "--labels", "no/such.csv"], 1, "no/such.csv does not exist"),
        (["--predictions", "p.csv", "--split-table", "no/such.csv"], 1, "no/such.csv does not exist"),
        (["--predictions", "no/such.xlsx"], 1, "no/such.xlsx does not exist"),
        (["--predictions", "p.csv", "--data", "no/such"], 1, "no/such does not exist"),
    ],
)
def test_wrong_combinations_are_one_sentence(
    arguments: list[str], code: int, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert osteolens("eval", *arguments) == code
    captured = capsys.readouterr()
    assert told in captured.err
    assert "Traceback" not in captured.err


def test_a_data_root_gives_labels_cases_headers_and_contents(
    phantom_root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The example of docs/evaluate-your-model.md."""
    config = ["-o", f"paths.results_dir={tmp_path}", "-o", "experiment=theirs", "-q"]
    assert osteolens("split", "--data", phantom_root, "--split", "stratified", *config) == 0
    division = tmp_path / "theirs" / "splits" / "stratified.csv"
    manifest = pd.read_csv(division, dtype=str)
    asked = manifest[manifest["split"] != "train"].reset_index(drop=True)
    theirs = answers(asked["label"]).assign(
        filename="films/" + asked["image_id"].str.replace(r"\.\w+$", ".tif", regex=True)
    )
    theirs.to_excel(tmp_path / "theirs.xlsx", index=False)
    capsys.readouterr()
    command = ["eval", "--predictions", tmp_path / "theirs.xlsx", "--data", phantom_root, "--split-table", division]
    assert osteolens(*command, "--out", tmp_path / "out", *FEW) == 0
    cases = read_json(tmp_path / "out" / "provenance.json")["taken_from"]["case_id"]
    assert cases == {f"cases.csv of the data set {phantom_root.name}": len(asked)}
    summary_file, page = tmp_path / "out" / "metrics_summary.json", tmp_path / "out" / "report.html"
    assert capsys.readouterr().out == f"{summary_file}\n{page}\n"
    assert "Can these figures be trusted?" in page.read_text(encoding="utf-8")
    is_test = (asked["split"] == "test").to_numpy()
    right = answers(asked["label"]).to_numpy().argmax(axis=1) == asked["label"].map(CLASSES.index).to_numpy()
    summary = read_json(tmp_path / "out" / "metrics_summary.json")
    assert summary["overall"]["accuracy"]["value"] == pytest.approx(right[is_test].mean())
    assert read_json(tmp_path / "out" / "decisions.json")["fitted"] is True  # on val, which the division names
    panel = read_json(tmp_path / "out" / "honesty.json")
    case = dict(zip(manifest["image_id"], manifest["case_id"], strict=True))
    trained = {case[name] for name in manifest.loc[manifest["split"] == "train", "image_id"]}
    shared = sum(case[name] in trained for name in asked.loc[is_test, "image_id"])
    assert shared > 0
    assert panel["leakage"]["evaluation"]["test"]["overall"]["shared"] == shared
    assert "duplicated" in panel["leakage"]["evaluation"]["test"]["overall"]
    assert panel["siblings"]["with_sibling"]["n"] == shared
    assert panel["blind"]["image_header"]["possible"] is True
    assert "lesion size" in panel["subgroups"]["groupings"]


@pytest.fixture(scope="module")
def of_btxrd(btxrd256: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[pd.DataFrame, dict[str, Any], Path]:
    """A made-up model on the test part of the baseline's division: its answers, its division and its figures."""
    folder = tmp_path_factory.mktemp("btxrd")
    division = btxrd256 / "reference" / "baseline_stratified_split.csv"
    test = pd.read_csv(division, dtype=str).query("split == 'test'").reset_index(drop=True)
    theirs = answers(test["label"])
    theirs.insert(0, "Image", test["image_id"].str.removesuffix(".jpeg"))
    theirs.to_csv(folder / "theirs.csv", index=False, sep="\t")
    command = ["eval", "--predictions", folder / "theirs.csv", "--labels", btxrd256 / "dataset.csv"]
    assert osteolens(*command, "--split-table", division, "--out", folder, *FEW) == 0
    return theirs.assign(label=test["label"]), read_json(folder / "honesty.json"), folder


@pytest.mark.real_data
@pytest.mark.slow
def test_on_btxrd_the_leakage_and_the_cases_are_known(
    of_btxrd: tuple[pd.DataFrame, dict[str, Any], Path],
) -> None:
    answered, panel, folder = of_btxrd
    tumours = panel["leakage"]["evaluation"]["test"]["tumours"]
    assert f"{tumours['shared_fraction']:.1%}" == "60.6%"  # FACTS: baseline stratified, test, all tumours
    assert panel["leakage"]["evaluation"]["test"]["per_class"]["Malignant"]["shared_fraction"] == pytest.approx(
        0.686, abs=5e-4
    )
    summary = read_json(folder / "metrics_summary.json")
    assert summary["n"] == 564
    assert summary["cases"] < 564
    called = answered[[f"Score_{name}" for name in CLASSES]].to_numpy().argmax(axis=1)
    right = called == answered["label"].map(CLASSES.index).to_numpy()
    assert summary["overall"]["accuracy"]["value"] == pytest.approx(right.mean())
    assert panel["blind"]["demographics_and_site"]["scores"]["accuracy"]["value"] > 0.85
    assert panel["blind"]["image_header"]["possible"] is False  # no pictures were given
    assert set(panel["subgroups"]["groupings"]) == {"center", "source", "sex", "age", "region", "view", "subtype"}
