"""What the main job does about manifests at hand, and the order of the runs in a report."""

from __future__ import annotations

from pathlib import Path

import pytest

from osteolens.config import Config, load_config
from osteolens.data.phantom import generate_phantom
from osteolens.data.radiographs import load_radiographs
from osteolens.errors import DataError
from osteolens.experiments import stages
from osteolens.interfaces.main_job import finished_runs, main_job


@pytest.fixture
def config(tmp_path: Path) -> Config:
    generate_phantom(tmp_path / "data", images=30, longest_side=96, seed=7)
    folders = [f"paths.{name}_dir={tmp_path / name}" for name in ("results", "checkpoints", "cache")]
    return load_config(None, [f"data.root={tmp_path / 'data'}", "data.split_schemes=[stratified, case]", *folders])


def test_an_edited_manifest_is_refused_before_anything_is_trained(config: Config) -> None:
    stages.split(config, load_radiographs(config.data), "case")
    path = stages.manifest_path(config, "case")
    edited = path.read_text().replace(",test,", ",train,", 1)
    path.write_text(edited)
    with pytest.raises(DataError, match=r"case\.csv was edited .*osteolens split --split case.*data\.split_files"):
        main_job(config)
    assert path.read_text() == edited
    assert not config.paths.checkpoints_dir.exists()


def test_a_manifest_of_other_options_is_refused_with_what_to_do(config: Config) -> None:
    stages.split(config, load_radiographs(config.data), "stratified")
    changed = config.with_overrides("data.split_fractions=[0.6, 0.2, 0.2]")
    with pytest.raises(DataError, match=r"split_fractions was .* and is .*osteolens split --split stratified"):
        main_job(changed)


@pytest.mark.parametrize(
    ("schemes", "order"),
    [
        ("[case-kfold, stratified]", "case-fold-1 case-fold-2 case-fold-10 stratified case source-a"),
        ("[source, case-fold-2, case-kfold]", "source-a case-fold-2 case-fold-1 case-fold-10 case stratified"),
        ("[stratified]", "stratified case case-fold-1 case-fold-2 case-fold-10 source-a"),
    ],
)
def test_runs_stand_in_the_order_of_the_configuration(tmp_path: Path, schemes: str, order: str) -> None:
    for name in sorted(order.split()):
        summary = tmp_path / "own" / name / "evaluation" / "metrics_summary.json"
        summary.parent.mkdir(parents=True)
        summary.write_text("{}")
    options = ["experiment=own", f"paths.results_dir={tmp_path}", f"data.split_schemes={schemes}"]
    assert [run.root.name for run in finished_runs(load_config(None, options))] == order.split()
