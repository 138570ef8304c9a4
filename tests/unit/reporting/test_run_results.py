from __future__ import annotations

import re

import pytest

from osteolens.errors import DataError
from osteolens.reporting.run_results import read_run
from osteolens.storage import RunFolder, read_json, write_json


def test_every_record_is_read(complete_run: RunFolder) -> None:
    run = read_run(complete_run)
    assert run.honesty["scores"]["n"] == run.decisions["test"]["n"] == run.summary["n"] == 54
    assert run.robustness is not None
    assert list(run.robustness["corruptions"]) == ["blur"]
    assert run.figures["roc_curves"].startswith(b"<?xml")
    assert run.figures["corruption_curves"].startswith(b"\x89PNG")
    assert run.leaks
    assert run.knows_cases


def test_a_drawing_of_the_corruptions_is_preferred(changeable_run: RunFolder) -> None:
    (changeable_run.robustness / "corruption_curves.svg").write_bytes(b"<svg/>")
    assert read_run(changeable_run).figures["corruption_curves"] == b"<svg/>"


def test_corruptions_need_not_be_measured(changeable_run: RunFolder) -> None:
    (changeable_run.robustness / "corruption.json").unlink()
    run = read_run(changeable_run)
    assert run.robustness is None
    assert "corruption_curves" not in run.figures


@pytest.mark.parametrize(
    ("missing", "verb"),
    [
        ("config.yaml", "train"),
        ("manifest.csv", "train"),
        ("leakage.json", "train"),
        ("provenance.json", "train"),
        ("training_log.csv", "train"),
        ("training_curves.png", "train"),
        ("evaluation/metrics_summary.json", "eval"),
        ("evaluation/classification_report.json", "eval"),
        ("evaluation/honesty.json", "eval"),
        ("evaluation/decisions.json", "eval"),
        ("evaluation/roc_curves.svg", "eval"),
        ("evaluation/reliability.svg", "eval"),
        ("robustness/corruption_curves.png", "robustness"),
        ("gradcam/gallery_Benign.png", "gradcam"),
        ("gradcam/annotation_comparison.png", "gradcam"),
        ("gradcam/annotation_report.json", "gradcam"),
    ],
)
def test_missing_file_is_named_with_its_verb(changeable_run: RunFolder, missing: str, verb: str) -> None:
    (changeable_run.root / missing).unlink()
    with pytest.raises(DataError, match=rf"{re.escape(missing)} is missing; osteolens {verb} makes it"):
        read_run(changeable_run)


@pytest.mark.parametrize(
    ("file", "place", "verb"),
    [
        ("evaluation/honesty.json", ("scores", "n"), "eval"),
        ("evaluation/decisions.json", ("test", "n"), "eval"),
        ("robustness/corruption.json", ("clean", "n"), "robustness"),
    ],
)
def test_records_of_other_images_are_refused(
    changeable_run: RunFolder, file: str, place: tuple[str, str], verb: str
) -> None:
    path = changeable_run.root / file
    record = read_json(path)
    record[place[0]][place[1]] = 53
    write_json(path, record)
    said = rf"{re.escape(file)} is of 53 test images, .* are of 54 test images. Run osteolens {verb} again"
    with pytest.raises(DataError, match=said):
        read_run(changeable_run)


def test_records_of_another_part_are_refused(changeable_run: RunFolder) -> None:
    path = changeable_run.evaluation / "honesty.json"
    write_json(path, read_json(path) | {"split": "val"})
    with pytest.raises(DataError, match=r"honesty\.json is of 54 val images"):
        read_run(changeable_run)


def test_files_of_different_states_are_refused(changeable_run: RunFolder) -> None:
    leakage = read_json(changeable_run.leakage)
    leakage["evaluation"]["test"]["overall"]["n"] = 9
    write_json(changeable_run.leakage, leakage)
    with pytest.raises(DataError, match="do not belong together: the figures are of 54 test images"):
        read_run(changeable_run)
    write_json(changeable_run.leakage, ["not", "a", "record"])
    with pytest.raises(DataError, match=r"leakage\.json holds no record. Run osteolens train again"):
        read_run(changeable_run)
    write_json(changeable_run.leakage, {"evaluation": {}})
    with pytest.raises(DataError, match=r"leakage\.json lacks sentence"):
        read_run(changeable_run)


def test_an_older_record_names_what_it_lacks(changeable_run: RunFolder) -> None:
    path = changeable_run.evaluation / "decisions.json"
    record = read_json(path)
    del record["selective"]
    write_json(path, record)
    with pytest.raises(DataError, match=r"decisions\.json lacks selective. Run osteolens eval again"):
        read_run(changeable_run)
