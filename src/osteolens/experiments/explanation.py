"""The stages of a run that explain its answers: the maps, and what proves that they mean something."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from osteolens.config import Config
from osteolens.data.cache import cached_pictures
from osteolens.data.masks import lesion_masks
from osteolens.data.radiographs import RadiographSet
from osteolens.domain import Column
from osteolens.evaluation.parts import evaluation_parts
from osteolens.evaluation.predictions import PredictionsTable
from osteolens.evaluation.resampling import Resampling
from osteolens.experiments.reuse import StageRecord
from osteolens.experiments.stages import predict
from osteolens.explain.gallery import gallery_file
from osteolens.explain.map_pictures import MAP_PICTURES, PICTURES
from osteolens.explain.proof import PROOF_FILES, prove_run
from osteolens.explain.run import explain_run
from osteolens.explain.score_table import SCORE_TABLE
from osteolens.explain.views import file_views
from osteolens.inference.torch_network import TorchNetwork
from osteolens.models.checkpoint import checkpoint_path
from osteolens.storage import sha256_file
from osteolens.training.run import run_folder

PROOF_OPTIONS = {"method", "resolution", "proof_images", "random_draws"}  # what the proof depends on

logger = logging.getLogger("osteolens")


@dataclass(frozen=True, slots=True, eq=False)
class _Evaluated:
    """A run's evaluated part, with the network that answered it."""

    network: TorchNetwork
    table: PredictionsTable
    pictures: NDArray[np.uint8]

    @property
    def image_ids(self) -> list[str]:
        return list(self.table.frame[Column.IMAGE_ID])


def explain(config: Config, data: RadiographSet, scheme: str) -> Path:
    """Write galleries, panels and map scores of a run's evaluated part, and return their folder."""
    run, table_path = run_folder(config, scheme), predict(config, data, scheme)
    options = config.explanation.model_dump(mode="json", exclude={"proof_images"})
    made_from = [*_source(config, data, table_path), data.annotations_hash(), options]
    names = ("annotation_report.json", "gallery_index.json", "gallery_index.csv", SCORE_TABLE, MAP_PICTURES)
    outputs = [run.explanation / name for name in (*names, *map(gallery_file, config.class_names))]
    record = StageRecord(run.root)
    if record.is_current("explain", made_from, outputs):
        return run.explanation
    part = _evaluated_part(config, data, scheme, table_path)
    explain_run(
        part.network.model,
        part.network.record,
        part.pictures,
        part.table,
        masks=lesion_masks(data, part.image_ids, part.network.record),
        all_shapes_masks=lesion_masks(data, part.image_ids, part.network.record, convention="all_shapes"),
        views=file_views(data, part.image_ids, part.network.record),
        out=run.explanation,
        options=config.explanation,
        resampling=Resampling.of(config),
        seed=config.seed,
    )
    comparison = run.explanation / "annotation_comparison.png"  # where any image is annotated
    pictures = sorted((run.explanation / PICTURES).glob("*.jpg"))
    record.finish("explain", made_from, [path for path in (*outputs, comparison, *pictures) if path.is_file()])
    logger.info("maps of %s: %s", scheme, run.explanation)
    return run.explanation


def prove(config: Config, data: RadiographSet, scheme: str) -> Path:
    """Try whether the maps of a run's evaluated part mean something, and return ``sanity.json``."""
    run, table_path = run_folder(config, scheme), predict(config, data, scheme)
    options = config.explanation.model_dump(mode="json", include=PROOF_OPTIONS)
    made_from = [*_source(config, data, table_path), options]
    outputs = [run.explanation / name for name in PROOF_FILES]
    record = StageRecord(run.root)
    if not record.is_current("prove", made_from, outputs):
        part = _evaluated_part(config, data, scheme, table_path)
        prove_run(
            part.network.model,
            part.network.record,
            part.pictures,
            part.table,
            out=run.explanation,
            options=config.explanation,
            resampling=Resampling.of(config),
            seed=config.seed,
        )
        record.finish("prove", made_from, outputs)
        logger.info("proof of the maps of %s: %s", scheme, outputs[0])
    return outputs[0]


def _source(config: Config, data: RadiographSet, table_path: Path) -> list[Any]:
    """Return what both stages are made from; the predictions table names the checkpoint by its hash."""
    return [sha256_file(table_path), data.data_hash(), config.evaluation.model_dump(mode="json"), config.seed]


def _evaluated_part(config: Config, data: RadiographSet, scheme: str, table_path: Path) -> _Evaluated:
    table, _ = evaluation_parts(PredictionsTable.from_csv(table_path))
    network = TorchNetwork.from_checkpoint(checkpoint_path(config, scheme, "best"), config.training.accelerator)
    paths = [data.path(name) for name in table.frame[Column.IMAGE_ID]]
    return _Evaluated(network, table, cached_pictures(paths, network.record, config.paths.cache_dir))
