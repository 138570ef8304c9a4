"""The whole job on data that is not BTXRD: other columns, other classes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from osteolens.config import Config, load_config
from osteolens.data.leakage import leakcheck
from osteolens.data.radiographs import load_radiographs
from osteolens.experiments import stages
from osteolens.inference import batch
from osteolens.inference.predictor import Predictor
from osteolens.inference.reading import list_pictures
from osteolens.interfaces.main_job import main_job
from osteolens.models.checkpoint import checkpoint_path
from osteolens.storage import RunFolder

pytestmark = pytest.mark.slow

FRACATLAS = Path(__file__).resolve().parents[2] / "configs" / "own_data_fracatlas.yaml"


def tiny(config: Path | None, folder: Path, *overrides: str) -> Config:
    return load_config(
        config,
        [
            "data.image_size=32",
            "model.backbone=mobilenetv2_050",
            "training.epochs=1",
            "training.batch_size=8",
            "training.accelerator=cpu",
            "evaluation.bootstrap_resamples=100",
            "explanation.gallery_size=1",
            f"paths.results_dir={folder / 'results'}",
            f"paths.checkpoints_dir={folder / 'checkpoints'}",
            f"paths.cache_dir={folder / 'cache'}",
            *overrides,
        ],
    )


def words(page: Path) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty pictures of twenty patients in two hospitals; a fracture is a bright bar, of which there is a mask."""
    root = tmp_path_factory.mktemp("own")
    (root / "images").mkdir()
    (root / "masks").mkdir()
    rows = []
    for number in range(40):
        pixels = np.random.default_rng(number).integers(0, 100, (48, 64), dtype=np.uint8)
        mask = np.zeros_like(pixels)
        broken = number % 4 < 2
        if broken:
            mask[20:28, 10:50] = 255
            Image.fromarray(mask).save(root / "masks" / f"film{number}.png")
        Image.fromarray(np.maximum(pixels, mask)).save(root / "images" / f"film{number}.png")
        rows.append(
            {
                "file": f"film{number}.png",
                "result": "yes" if broken else "no",
                "patient": f"p{number // 2}",
                "site": "A",
            }
        )
    pd.DataFrame(rows).to_csv(root / "films.csv", index=False)
    return root


def test_own_columns_classes_masks_and_patients_go_all_the_way(own: Path, tmp_path: Path) -> None:
    config = tiny(
        None,
        tmp_path,
        "experiment=own",
        "class_names=[intact, broken]",
        f"data.root={own}",
        "data.metadata=films.csv",
        "data.annotations_dir=masks",
        "data.columns={image_id: file, label: result, case_id: patient, center: site}",
        "data.label_values={'no': intact, 'yes': broken}",
        "data.split_schemes=[case]",
        "training.annotations=true",
    )
    page = main_job(config)
    run = RunFolder(tmp_path / "results" / "own" / "case")
    manifest = pd.read_csv(run.manifest)
    assert manifest["label"].value_counts().to_dict() == {"intact": 20, "broken": 20}
    assert len(manifest[["case_id", "split"]].drop_duplicates()) == 20
    table = pd.read_csv(run.predictions)
    assert {"prob_intact", "prob_broken"} <= set(table.columns)
    test = table[table["split"] == "test"]
    summary = json.loads((run.evaluation / "metrics_summary.json").read_text())
    answered = np.where(test["prob_broken"] > test["prob_intact"], "broken", "intact")
    assert summary["overall"]["accuracy"]["value"] == pytest.approx((answered == test["label"]).mean())
    maps = json.loads((run.explanation / "annotation_report.json").read_text())
    assert maps["n"] == (test["label"] == "broken").sum()
    assert "The split case keeps cases apart" in words(page)
    assert leakcheck(run.manifest)["passed"]
    audited = json.loads((tmp_path / "results/own/audit/data_audit.json").read_text())
    assert audited["classes"] == {"broken": 20, "intact": 20}
    assert audited["annotated"] == 20
    assert audited["metadata"]["warnings"] == 0


@pytest.mark.real_data
def test_the_documented_example_runs_on_fracatlas(fracatlas_sample: Path, tmp_path: Path) -> None:
    config = tiny(FRACATLAS, tmp_path, f"data.root={fracatlas_sample}")
    page = main_job(config)
    data = load_radiographs(config.data)
    assert data.frame["label"].value_counts().to_dict() == {"Normal": 180, "Fractured": 120}
    assert len(data.metadata.violations) == 0
    summary = json.loads(stages.evaluate_run(config, data, "stratified").read_text())
    assert summary["class_names"] == ["Normal", "Fractured"]
    assert summary["n"] == 45
    text = words(page)
    assert "nobody can tell whether the figures are honest" in text
    assert "keeps cases apart" not in text
    predictor = Predictor.from_file(checkpoint_path(config, "stratified", "best"), "cpu")
    damaged = batch.infer(predictor, list_pictures(fracatlas_sample / "truncated"), tmp_path / "answers")
    assert (damaged.answered, damaged.refused) == (0, 8)
