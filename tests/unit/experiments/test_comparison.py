from __future__ import annotations

from pathlib import Path

import pytest
from compared import answers, write_experiments, write_run

from osteolens.errors import DataError
from osteolens.evaluation.headline import Resampling
from osteolens.experiments.comparison import compare_folders, find_runs, read_run
from osteolens.storage import RunFolder, read_json, write_json, write_text


@pytest.fixture
def results(tmp_path: Path) -> Path:
    return write_experiments(tmp_path / "results")


def test_experiments_and_runs_are_found_once(results: Path) -> None:
    found = find_runs([results / "a", results / "a" / "case", results / "b"])
    assert [(run.root.parent.name, run.root.name) for run in found] == [
        ("a", "case"),
        ("a", "stratified"),
        ("b", "case"),
    ]
    with pytest.raises(DataError, match=r"results holds no run.*osteolens predict"):
        find_runs([results])
    with pytest.raises(DataError, match="nowhere holds no run"):
        find_runs([results / "nowhere"])


def test_a_name_that_is_relative_is_made_whole(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(results / "a" / "case")
    (found,) = find_runs([Path()])
    assert read_run(found).label == "a, case"
    assert read_run(RunFolder(Path())).label == "a, case"


def test_facts_of_a_run(results: Path) -> None:
    leaking, clean = (read_run(RunFolder(results / "a" / scheme)) for scheme in ("stratified", "case"))
    assert (leaking.label, leaking.kind) == ("a, stratified", "leaking")
    assert (clean.kind, len(clean.table)) == ("new_cases", 30)
    assert clean.overlap is not None
    assert clean.overlap.shared["tumours"] == (0, 20)
    assert clean.overlap.new_sources is False


def test_another_hospital_is_told_from_the_manifest(tmp_path: Path) -> None:
    run = write_run(tmp_path / "a" / "center", list(range(60, 90)), source_of_test="medpix")
    assert read_run(run).kind == "new_sources"
    run = write_run(tmp_path / "a" / "unknown", list(range(60, 90)), source_of_test="")
    read = read_run(run)
    assert read.overlap is not None
    assert read.overlap.new_sources is None


def test_the_record_and_the_figure_are_written(results: Path, tmp_path: Path) -> None:
    out, theirs = tmp_path / "out", tmp_path / "theirs.csv"
    answers(list(range(60, 90)), skill=0.4, seed=7).write(theirs)
    record = compare_folders(find_runs([results / "a", results / "b"]), [theirs], out, Resampling(100))
    assert read_json(out / "comparison.json") == record
    assert (out / "comparison.png").read_bytes().startswith(b"\x89PNG")
    assert [run["label"] for run in record["runs"]] == ["a, case", "b, case", "theirs", "a, stratified"]
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


def test_files_of_different_states_are_refused(results: Path) -> None:
    run = RunFolder(results / "a" / "case")
    answers(list(range(60, 88))).write(run.predictions)
    with pytest.raises(DataError, match="28 test images, the manifest lists 30 and the leakage covers 30"):
        read_run(run)


def test_a_leakage_that_does_not_tell_is_refused(results: Path) -> None:
    run = RunFolder(results / "a" / "case")
    write_json(run.leakage, {"evaluation": {}})
    with pytest.raises(DataError, match="does not tell the leakage of test"):
        read_run(run)
    run.leakage.unlink()
    with pytest.raises(DataError, match=r"leakage.json does not exist"):
        read_run(run)
    write_text(run.manifest, "image_id\n")
    with pytest.raises(DataError):
        read_run(run)
