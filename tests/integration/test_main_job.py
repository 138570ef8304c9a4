"""The whole job on a small phantom, through the verbs."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest

from osteolens.config import Config, load_config
from osteolens.data.radiographs import load_radiographs
from osteolens.errors import DataError, TrainingError
from osteolens.experiments import stages
from osteolens.inference.predictor import Predictor
from osteolens.interfaces.main_job import finished_runs, main_job, write_report
from osteolens.models.checkpoint import checkpoint_path
from osteolens.reporting.results_page import write_results_page
from osteolens.reporting.run_results import read_runs
from osteolens.storage import RunFolder, read_json

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    folder = tmp_path_factory.mktemp("job")
    from osteolens.data.phantom import generate_phantom

    generate_phantom(folder / "data", images=60, longest_side=160, seed=7)
    return load_config(
        None,
        [
            "experiment=job",
            f"data.root={folder / 'data'}",
            "data.image_size=32",
            "model.backbone=mobilenetv2_050",
            "training.epochs=2",
            "training.batch_size=8",
            "training.accelerator=cpu",
            "evaluation.bootstrap_resamples=100",
            f"paths.results_dir={folder / 'results'}",
            f"paths.checkpoints_dir={folder / 'checkpoints'}",
            f"paths.cache_dir={folder / 'cache'}",
        ],
    )


@pytest.fixture(scope="module")
def report(config: Config) -> Path:
    return main_job(config)


def test_every_stage_leaves_its_files(config: Config, report: Path) -> None:
    assert report == config.paths.results_dir / "job" / "report.html"
    for scheme in ("stratified", "case"):
        run = RunFolder(config.paths.results_dir / "job" / scheme)
        assert (run.evaluation / "metrics_summary.json").is_file()
        assert (run.evaluation / "classification_report.json").is_file()
        assert (run.explanation / "annotation_report.json").is_file()
        assert (run.explanation / "gallery_Malignant.png").is_file()
        assert run.leakage.is_file()
    assert (config.paths.results_dir / "job/audit/data_audit_report.md").is_file()


def test_the_report_says_what_the_files_say(config: Config, report: Path) -> None:
    page = re.sub(r"<[^>]+>", " ", report.read_text(encoding="utf-8"))
    for scheme in ("stratified", "case"):
        run = RunFolder(config.paths.results_dir / "job" / scheme)
        overall = json.loads((run.evaluation / "metrics_summary.json").read_text())["overall"]
        assert f"{overall['accuracy']['value']:.3f}" in page
        assert json.loads(run.leakage.read_text())["sentence"] in re.sub(r"\s+", " ", page)


def test_the_case_split_shares_nothing(config: Config, report: Path) -> None:
    assert report.is_file()
    leakage = json.loads(RunFolder(config.paths.results_dir / "job" / "case").leakage.read_text())
    assert leakage["evaluation"]["test"]["overall"]["shared"] == 0


def test_accuracy_is_what_the_table_gives(config: Config, report: Path) -> None:
    assert report.is_file()
    run = RunFolder(config.paths.results_dir / "job" / "case")
    table = pd.read_csv(run.predictions)
    test = table[table["split"] == "test"]
    answered = test[["prob_Normal", "prob_Benign", "prob_Malignant"]].to_numpy().argmax(axis=1)
    truth = test["label"].map({"Normal": 0, "Benign": 1, "Malignant": 2}).to_numpy()
    summary = json.loads((run.evaluation / "metrics_summary.json").read_text())
    assert summary["overall"]["accuracy"]["value"] == pytest.approx((answered == truth).mean())
    assert summary["n"] == len(test)


@pytest.mark.parametrize("scheme", ["stratified", "case"])
def test_the_checkpoint_answers_with_what_the_run_decided(
    config: Config, report: Path, scheme: str, tmp_path: Path
) -> None:
    """Also where its run is not: at another place, under another name."""
    moved = shutil.copy(checkpoint_path(config, scheme, "best"), tmp_path / "moved.pt")
    network = Predictor.from_file(moved, "cpu").network
    assert network.uncalibrated is None
    assert network.decisions is not None
    written = read_json(report.parent / scheme / "evaluation" / "decisions.json")
    assert network.decisions.predictions_sha256 == written["predictions_sha256"]
    table = pd.read_csv(report.parent / scheme / "predictions.csv")
    assert set(table["checkpoint_sha256"]) == {network.sha256}


def test_a_second_run_does_nothing_twice(config: Config, report: Path) -> None:
    assert report.is_file()
    watched = [
        *config.paths.checkpoints_dir.glob("*.pt"),
        *config.paths.results_dir.glob("job/*/evaluation/*"),
        *config.paths.results_dir.glob("job/*/gradcam/*"),
        *config.paths.results_dir.glob("job/audit/*.json"),
        *config.paths.results_dir.glob("job/comparison.*"),
    ]
    before = {path: path.stat().st_mtime_ns for path in watched}
    assert len(before) > 20
    main_job(config)
    changed = [
        path
        for path, stamp in before.items()
        if path.stat().st_mtime_ns != stamp and path.name not in {"stages.json", "index.html"}
    ]
    assert changed == []


@pytest.mark.parametrize("name", ["roc_curves.svg", "classification_report.json", "decision_curves.png"])
@pytest.mark.parametrize("is_there", [True, False])
def test_a_missing_or_damaged_figure_is_made_again(config: Config, report: Path, name: str, *, is_there: bool) -> None:
    assert report.is_file()
    path = RunFolder(report.parent / "case").evaluation / name
    before = path.read_bytes()
    path.unlink()
    if is_there:
        path.write_bytes(before[:100])
    stages.evaluate_run(config, load_radiographs(config.data), "case")
    assert path.read_bytes() == before


def test_other_answers_in_the_place_of_a_runs_are_noticed(config: Config, report: Path) -> None:
    run = RunFolder(report.parent / "case")
    before, table = run.predictions.read_bytes(), pd.read_csv(run.predictions)
    table = table.rename(columns={"prob_Normal": "prob_Benign", "prob_Benign": "prob_Normal"})
    table.drop(columns="predicted").to_csv(run.predictions, index=False)
    with pytest.raises(DataError, match=r"is not of the answers in .*Run osteolens eval again"):
        write_report(config)
    stages.evaluate_run(config, load_radiographs(config.data), "case")
    assert run.predictions.read_bytes() == before
    assert write_report(config) == report


def test_changed_evaluation_options_are_noticed(config: Config, report: Path) -> None:
    assert report.is_file()
    more = config.with_overrides("evaluation.confidence=0.9")
    summary = stages.evaluate_run(more, load_radiographs(config.data), "case")
    assert json.loads(summary.read_text())["confidence"] == 0.9


def test_a_manifest_of_other_data_is_refused(config: Config, report: Path, tmp_path: Path) -> None:
    assert report.is_file()
    own = config.with_overrides(f"paths.splits_dir={tmp_path}")
    source = stages.manifest_path(config, "case")
    shutil.copy(source, tmp_path / "case.csv")
    data = load_radiographs(config.data)
    assert len(stages.find_manifest(own, data, "case").frame) == 60
    text = source.read_text()
    (tmp_path / "case.csv").write_text(text.replace("Malignant", "Benign", 1))
    with pytest.raises(DataError, match=r"labels that the data set does not have.*osteolens split"):
        stages.find_manifest(own, data, "case")
    with pytest.raises(DataError, match="made with another seed than 43"):
        stages.find_manifest(own.with_overrides("seed=43"), data, "case")


def test_the_markdown_page_carries_the_same_figures(config: Config, report: Path, tmp_path: Path) -> None:
    assert report.is_file()
    record = read_json(report.parent / "comparison.json")
    page = write_results_page(read_runs(finished_runs(config)), record, tmp_path / "results.md", command="make all")
    rows = [line.split(" | ") for line in page.read_text(encoding="utf-8").splitlines() if line.startswith("| case (")]
    summary = json.loads((RunFolder(report.parent / "case").evaluation / "metrics_summary.json").read_text())
    accuracy, auc = (summary["overall"][name]["value"] for name in ("accuracy", "macro_auc"))
    assert len(rows) == 1
    assert rows[0][2] == f"{summary['n']} ({summary['cases']})"
    assert rows[0][3].startswith(f"{accuracy:.3f} (")
    assert rows[0][6].startswith(f"{auc:.3f} (")


def test_a_checkpoint_is_not_evaluated_on_another_division(config: Config, report: Path, tmp_path: Path) -> None:
    assert report.is_file()
    data = load_radiographs(config.data)
    before = (config.paths.results_dir / "job/case/leakage.json").read_bytes()
    other = config.with_overrides("seed=43", f"paths.splits_dir={tmp_path}")  # divides anew
    with pytest.raises(DataError, match="images that it was trained on could be evaluated"):
        stages.predict(other, data, "case")
    with pytest.raises(TrainingError, match="other options or other data"):
        stages.train_run(other, data, "case")
    assert (config.paths.results_dir / "job/case/leakage.json").read_bytes() == before
