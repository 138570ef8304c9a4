"""What ``ablation.py`` tells of a network's maps: how well the true class's agree with the outlines."""

from __future__ import annotations

import numpy as np
import pandas as pd

from osteolens.config import Config
from osteolens.data.cache import cached_pictures
from osteolens.data.masks import lesion_masks
from osteolens.data.radiographs import RadiographSet
from osteolens.domain import Column
from osteolens.evaluation.predictions import PredictionsTable
from osteolens.experiments.reuse import StageRecord
from osteolens.explain.agreement import score_maps
from osteolens.explain.picture_maps import picture_maps
from osteolens.inference.torch_network import TorchNetwork
from osteolens.models.checkpoint import checkpoint_path
from osteolens.storage import read_table, sha256_file, write_table
from osteolens.training.run import run_folder

MAP_FIGURES = {
    "pointing_game": "pointing game",
    "energy": "energy in the outline",
    "energy_ratio": "energy / area share",
    "zero_maps": "maps of zeros",
}


def map_figures(config: Config, data: RadiographSet, scheme: str, table: PredictionsTable) -> dict[str, float]:
    """Return the means over all outlined images of one part; maps are made anew only for another network."""
    checkpoint = checkpoint_path(config, scheme, "best")
    ids = table.frame[Column.IMAGE_ID].tolist()
    folder = run_folder(config, scheme).root
    part = table.frame[Column.SPLIT].iloc[0]
    path, stage = folder / f"map_scores_{part}.csv", f"ablation maps of {part}"
    made_from = [sha256_file(checkpoint), data.annotations_hash(), ids]
    record = StageRecord(folder)
    if not record.is_current(stage, made_from, [path]):
        network = TorchNetwork.from_checkpoint(checkpoint, config.training.accelerator)
        write_table(path, _scores(network, data, config, table))
        record.finish(stage, made_from, [path])
    scores = read_table(path).replace("", np.nan).astype(float)
    return {name: float(scores[name].mean()) for name in MAP_FIGURES}  # a map of zeros has no energy


def _scores(network: TorchNetwork, data: RadiographSet, config: Config, table: PredictionsTable) -> pd.DataFrame:
    ids = table.frame[Column.IMAGE_ID].tolist()
    masks = {row: mask for row, mask in lesion_masks(data, ids, network.record).items() if mask.any()}
    rows = sorted(masks)
    pictures = cached_pictures([data.path(name) for name in ids], network.record, config.paths.cache_dir)
    maps = picture_maps(
        network.model, network.record, np.asarray(pictures[rows]), table.labels[rows], options=config.explanation
    )
    # the second convention is not asked for
    agreement = score_maps({row: maps[place] for place, row in enumerate(rows)}, masks, masks, ())
    scores = pd.DataFrame(agreement.outline, columns=list(agreement.names))
    return scores.assign(zero_maps=agreement.zero.astype(float))
