from __future__ import annotations

from pathlib import Path

import pytest
from compared import answers, write_experiments, write_run

from osteolens.errors import DataError
from osteolens.experiments.compared_folders import find_folders, read_compared
from osteolens.storage import RunFolder, write_json, write_text


@pytest.fixture
def results(tmp_path: Path) -> Path:
    return write_experiments(tmp_path / "results")


def test_experiments_and_runs_are_found_once(results: Path) -> None:
    found = find_folders([results / "a", results / "a" / "case", results / "b"])
    assert [(run.root.parent.name, run.root.name) for run in found] == [
        ("a", "case"),
        ("a", "stratified"),
        ("b", "case"),
    ]
    with pytest.raises(DataError, match=r"results holds no run.*osteolens predict"):
        find_folders([results])
    with pytest.raises(DataError, match="nowhere holds no run"):
        find_folders([results / "nowhere"])


def test_a_name_that_is_relative_is_made_whole(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(results / "a" / "case")
    (found,) = find_folders([Path()])
    assert read_compared(found).label == "a, case"
    assert read_compared(RunFolder(Path())).label == "a, case"


def test_facts_of_a_run(results: Path) -> None:
    leaking, clean = (read_compared(RunFolder(results / "a" / scheme)) for scheme in ("stratified", "case"))
    assert (leaking.label, leaking.kind) == ("a, stratified", "leaking")
    assert (clean.kind, len(clean.table)) == ("new_cases", 30)
    assert clean.overlap is not None
    assert clean.overlap.shared["tumours"] == (0, 20)
    assert clean.overlap.new_sources is False


def test_another_hospital_is_told_from_the_manifest(tmp_path: Path) -> None:
    run = write_run(tmp_path / "a" / "center", list(range(60, 90)), source_of_test="medpix")
    assert read_compared(run).kind == "new_sources"
    run = write_run(tmp_path / "a" / "unknown", list(range(60, 90)), source_of_test="")
    read = read_compared(run)
    assert read.overlap is not None
    assert read.overlap.new_sources is None


def test_files_of_different_states_are_refused(results: Path) -> None:
    run = RunFolder(results / "a" / "case")
    answers(list(range(60, 88))).write(run.predictions)
    with pytest.raises(DataError, match=r"28 test images, the manifest lists 30, 28 of them the same, .* covers 30"):
        read_compared(run)
    answers(list(range(59, 89))).write(run.predictions)  # as many, one of them another
    with pytest.raises(DataError, match=r"30 test images, the manifest lists 30, 29 of them the same, .* covers 30"):
        read_compared(run)


def test_a_leakage_that_does_not_tell_is_refused(results: Path) -> None:
    run = RunFolder(results / "a" / "case")
    write_json(run.leakage, {"evaluation": {}})
    with pytest.raises(DataError, match="does not tell the leakage of test"):
        read_compared(run)
    run.leakage.unlink()
    with pytest.raises(DataError, match=r"leakage.json does not exist"):
        read_compared(run)
    write_text(run.manifest, "image_id\n")
    with pytest.raises(DataError):
        read_compared(run)
