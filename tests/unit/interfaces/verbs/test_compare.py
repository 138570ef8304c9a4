from __future__ import annotations

import json
from pathlib import Path

import pytest
from command import osteolens
from compared import answers, write_experiments


def test_page_or_record_is_the_answer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    results, out = write_experiments(tmp_path / "results"), tmp_path / "out"
    theirs = tmp_path / "theirs.csv"
    answers(list(range(60, 90)), seed=7).write(theirs)
    fewer = ("--override", "evaluation.bootstrap_resamples=100", "--quiet")
    assert osteolens("compare", results / "a", results / "b" / "case", "--out", out, *fewer) == 0
    assert capsys.readouterr().out.strip() == str(out / "comparison.html")
    names = {"comparison.html", "comparison.json", "comparison.md", "comparison.png"}
    assert {path.name for path in out.iterdir()} == names
    again = ("--predictions", theirs, "--out", out, "--json", *fewer)
    assert osteolens("compare", results / "b", *again) == 0
    record = json.loads(capsys.readouterr().out)
    assert record == json.loads((out / "comparison.json").read_text(encoding="utf-8"))
    assert [run["label"] for run in record["runs"]] == ["b, case", "theirs"]
    assert record["resamples"] == 100


def test_nothing_to_compare_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert osteolens("compare") == 2
    assert "name at least one folder" in capsys.readouterr().err
