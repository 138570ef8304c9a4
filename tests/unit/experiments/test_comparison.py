from __future__ import annotations

from pathlib import Path

import pytest
from compared import answers, write_experiments

from osteolens.evaluation.compared_run import ComparedRun
from osteolens.evaluation.parts import predictions_sha256
from osteolens.evaluation.predictions import PredictionsTable
from osteolens.evaluation.resampling import Resampling
from osteolens.experiments.compared_folders import find_folders, read_compared
from osteolens.experiments.comparison import write_comparison
from osteolens.storage import read_json


@pytest.fixture
def runs(tmp_path: Path) -> list[ComparedRun]:
    results = write_experiments(tmp_path / "results")
    return [read_compared(folder) for folder in find_folders([results / "a", results / "b"])]


def test_the_record_and_the_figure_are_written(runs: list[ComparedRun], tmp_path: Path) -> None:
    out, theirs = tmp_path / "out", ComparedRun("theirs", "", answers(list(range(60, 90)), skill=0.4, seed=7))
    record = write_comparison([*runs, theirs], out, Resampling(100))
    assert read_json(out / "comparison.json") == record
    assert (out / "comparison.png").read_bytes().startswith(b"\x89PNG")
    assert [run["label"] for run in record["runs"]] == ["a, case", "b, case", "theirs", "a, stratified"]
    by_label = {run.label: predictions_sha256(run.table) for run in (*runs, theirs)}
    assert {run["label"]: run["predictions_sha256"] for run in record["runs"]} == by_label
    assert [(pair["first"], pair["second"]) for pair in record["comparisons"]] == [
        ("a, case", "b, case"),
        ("a, case", "theirs"),
        ("b, case", "theirs"),
    ]
    assert record["holm"]["comparisons"]["accuracy"] == 3
    (gap,) = record["gaps"]
    # of the leaking part one image a case, since the two images of a case are an even and an odd one;
    # 60, 62 and 64 are in both parts: of the cases 10-0, 10-2 and 10-1
    assert gap["overlap"] == {"cases_first": 30, "cases_second": 15, "cases_both": 3, "images_both": 3}


def test_a_comparison_of_the_same_runs_is_not_made_again(runs: list[ComparedRun], tmp_path: Path) -> None:
    path, figure = tmp_path / "comparison.json", tmp_path / "comparison.png"
    record = write_comparison(runs, tmp_path, Resampling(100))
    stamps = [made.stat().st_mtime_ns for made in (path, figure)]
    assert write_comparison(runs, tmp_path, Resampling(100)) == record
    assert [made.stat().st_mtime_ns for made in (path, figure)] == stamps
    figure.write_bytes(b"damaged")
    write_comparison(runs, tmp_path, Resampling(100))
    assert figure.read_bytes().startswith(b"\x89PNG")
    assert write_comparison(runs, tmp_path, Resampling(101))["resamples"] == 101
    of_one_case = PredictionsTable(runs[0].table.class_names, runs[0].table.frame.assign(case_id="one"))
    changed = ComparedRun(runs[0].experiment, runs[0].scheme, of_one_case, runs[0].overlap)
    cases = {run["label"]: run["cases"] for run in write_comparison([changed], tmp_path, Resampling(101))["runs"]}
    assert cases == {runs[0].label: 1}
