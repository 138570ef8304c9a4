from __future__ import annotations

import json
from pathlib import Path

import pytest
from command import osteolens
from compared import CLASSES, answers, write_experiments

FEWER = ("--override", "evaluation.bootstrap_resamples=100", "--quiet")


def test_page_or_record_is_the_answer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    results, out = write_experiments(tmp_path / "results"), tmp_path / "out"
    assert osteolens("compare", results / "a", results / "b" / "case", "--out", out, *FEWER) == 0
    assert capsys.readouterr().out.strip() == str(out / "comparison.html")
    names = {"comparison.html", "comparison.json", "comparison.md", "comparison.png", "stages.json"}
    assert {path.name for path in out.iterdir()} == names
    assert osteolens("compare", results / "b", "--out", out, "--json", *FEWER) == 0
    record = json.loads(capsys.readouterr().out)
    assert record == json.loads((out / "comparison.json").read_text(encoding="utf-8"))
    assert [run["label"] for run in record["runs"]] == ["b, case"]
    assert record["resamples"] == 100


def test_anybodys_evaluated_predictions_stand_beside_a_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Percent-free probabilities under other headings, in another order and without cases of their own."""
    results, theirs = write_experiments(tmp_path / "results"), tmp_path / "theirs"
    table = answers(list(range(60, 90)), seed=7).frame.sample(frac=1, random_state=1)
    headings = {f"prob_{name}": f"Score {name}" for name in CLASSES}
    given = table[["image_id", *headings]].rename(columns={"image_id": "File name", **headings})
    given.to_csv(tmp_path / "theirs.csv", index=False, sep=";")
    assert osteolens("compare", tmp_path / "theirs.csv", "--out", tmp_path / "out", *FEWER) == 1
    assert "osteolens eval --predictions FILE --out FOLDER" in capsys.readouterr().err
    division = results / "b" / "case" / "manifest.csv"
    known = ("--labels", division, "--split-table", division)
    assert osteolens("eval", "--predictions", tmp_path / "theirs.csv", *known, "--out", theirs, *FEWER) == 0
    capsys.readouterr()
    assert osteolens("compare", results / "b", theirs, "--out", tmp_path / "out", "--json", *FEWER) == 0
    record = json.loads(capsys.readouterr().out)
    by_label = {run["label"]: run for run in record["runs"]}
    assert {label: run["kind"] for label, run in by_label.items()} == {"b, case": "new_cases", "theirs": "new_cases"}
    assert by_label["theirs"]["train_overlap"]["shared"]["all"]["n"] == 30
    assert by_label["theirs"]["train_overlap"]["new_sources"] is False
    right = (table["label"] == table["predicted"]).mean()
    assert by_label["theirs"]["figures"]["accuracy"]["value"] == pytest.approx(right)
    (pair,) = record["comparisons"]
    assert (pair["n"], pair["cases"]) == (30, 15)


def test_answers_exchanged_after_their_evaluation_are_noticed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answers(list(range(60, 90)), seed=7).write(tmp_path / "theirs.csv")
    assert osteolens("eval", "--predictions", tmp_path / "theirs.csv", "--out", tmp_path / "theirs", *FEWER) == 0
    answers(list(range(60, 90)), seed=8).write(tmp_path / "theirs" / "predictions.csv")
    assert osteolens("compare", tmp_path / "theirs", "--out", tmp_path / "out", *FEWER) == 1
    assert "honesty.json is not of the answers in" in capsys.readouterr().err


def test_nothing_to_compare_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert osteolens("compare") == 2
    assert "name at least one folder" in capsys.readouterr().err
