"""Maps of trained runs at both resolutions against the outlines: one table, beside the centre and the ceilings.

Run ``python benchmarks/map_scores.py --data path/to/btxrd256 [--markdown FILE]`` after the commands that the page
names; about a minute for each row. The test part of the case split of each run is mapped for the true class, at the
network's own resolution and at twice of it. ``osteolens gradcam`` gives the same figures of one run at the one
resolution that its configuration names.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from osteolens.config import Config, load_config
from osteolens.data.cache import cached_pictures
from osteolens.data.masks import lesion_masks
from osteolens.data.radiographs import load_radiographs
from osteolens.domain import Column
from osteolens.evaluation.parts import evaluation_parts
from osteolens.evaluation.predictions import PredictionsTable
from osteolens.evaluation.resampling import Resampling
from osteolens.experiments.stages import predict
from osteolens.explain.agreement import MapAgreement, score_maps
from osteolens.explain.case_means import CaseMeans, Floats
from osteolens.explain.picture_maps import picture_maps
from osteolens.explain.scores import centre_prior, map_scores
from osteolens.inference.torch_network import TorchNetwork
from osteolens.models.checkpoint import checkpoint_path

RECIPE = Path(__file__).parents[1] / "configs" / "btxrd256.yaml"
SCHEME = "case"
RUNS = {
    "without guidance": [],
    "guided": ["experiment=btxrd256_guided", "training.guidance_weight=0.8"],
}
RESOLUTIONS = ("native", "double")
LARGE = 0.01  # share of the input: the lesions that the aim for the IoU is about
HEAD = (
    "maps of the true class",
    "pointing game",
    "ceiling",
    "energy / area share, mean of ratios",
    "ratio of means",
    "IoU at 0.3 / 0.5 / 0.7",
    "ceiling",
    f"IoU at 0.5, lesions over {LARGE:.0%}",
    "IoU at 0.5, all shapes",
)
TEXT = """# Where the networks looked

Written by `python benchmarks/map_scores.py --data path/to/btxrd256 --markdown docs/results/map_scores.md` from the runs
that were trained by

- without guidance: `osteolens run --config configs/btxrd256.yaml --data path/to/btxrd256`,
- guided: the same with `-o experiment=btxrd256_guided -o training.guidance_weight=0.8 -o "data.split_schemes=[case]"`.

All {images} outlined test images of the case split ({cases} cases), one seed each. In brackets
{confidence:.0%} intervals by a bootstrap of cases. Research software, not for clinical use.

{table}

- *pointing game*: share of the maps whose highest pixel lies in an outline. Its ceiling, and that of the IoU, is what
  maps with so many cells can reach, image by image.
- *energy*: share of a map that lies in the outline, beside the share of the area that the outline covers: 1 is chance.
  In the mean of the ratios small lesions weigh most; the ratio of the means is the other way to say it. Maps that are 0
  everywhere are left out of the energy and count as 0 in the rest.
- *IoU* of what reaches that share of the map's maximum. *all shapes*: against everything drawn in a picture, boxes too,
  as an earlier study of this data did on five images at 0.5 (mean 0.070).
- *always the centre*: a round map at the middle of every picture.
"""


def main() -> None:
    """Map both runs and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="root of the data set")
    parser.add_argument("--override", "-o", action="append", default=[], help="section.key=value")
    parser.add_argument("--markdown", type=Path, help="write the page there as well")
    asked = parser.parse_args()
    common = [f"data.root={asked.data}", *asked.override]
    rows: list[str] = []
    for name, own in RUNS.items():
        part = _Part(load_config(RECIPE, [*common, *own]))
        for resolution in RESOLUTIONS:
            agreement = part.agreement(resolution)
            cells = " x ".join(map(str, agreement.resolution or ()))
            if not rows:
                rows.append(part.row("always the centre", part.centre(agreement), ceilings=False))
            rows.append(part.row(f"{name}, {cells} cells", agreement))
    images = len(part.masks)
    told = part.means.counts(np.ones(images, bool))
    lines = [_line(HEAD), f"|---|{'---:|' * (len(HEAD) - 1)}", *rows]
    text = TEXT.format(images=images, cases=told["cases"], confidence=part.means.confidence, table="\n".join(lines))
    print(text)
    if asked.markdown is not None:
        asked.markdown.write_text(text, encoding="utf-8")


class _Part:
    """The outlined images of a run's evaluated part, the network that answered them, and how figures are told."""

    def __init__(self, config: Config) -> None:
        data = load_radiographs(config.data)
        table, _ = evaluation_parts(PredictionsTable.from_csv(predict(config, data, SCHEME)))
        self.config = config
        checkpoint = checkpoint_path(config, SCHEME, "best")
        self.network = TorchNetwork.from_checkpoint(checkpoint, config.training.accelerator)
        ids = table.frame[Column.IMAGE_ID].tolist()
        record = self.network.record
        self.masks = {row: mask for row, mask in lesion_masks(data, ids, record).items() if mask.any()}
        self.all_shapes = lesion_masks(data, ids, record, convention="all_shapes")
        self.rows = np.array(sorted(self.masks))
        pictures = cached_pictures([data.path(name) for name in ids], record, config.paths.cache_dir)
        self.pictures, self.labels = np.asarray(pictures[self.rows]), table.labels[self.rows]
        self.means = CaseMeans.of(table.cases[self.rows], self.labels, Resampling.of(config))

    def agreement(self, resolution: str) -> MapAgreement:
        """Map every image for its true class and score the maps."""
        options = self.config.with_overrides(f"explanation.resolution={resolution}").explanation
        network = self.network
        maps = picture_maps(network.model, network.record, self.pictures, self.labels, options=options)
        by_row = {row: maps[place] for place, row in enumerate(self.rows.tolist())}
        return score_maps(by_row, self.masks, self.all_shapes, options.iou_thresholds)

    def centre(self, like: MapAgreement) -> MapAgreement:
        """Score the map of one who looks at the middle of every picture."""
        thresholds = self.config.explanation.iou_thresholds

        def scored(masks: Mapping[int, NDArray[np.uint8]]) -> Floats:
            pairs = zip(like.rows.tolist(), like.ceilings, strict=True)
            found = [map_scores(centre_prior(*masks[r].shape), masks[r], thresholds, ceiling=c) for r, c in pairs]
            return np.array(found)

        zero = np.zeros(len(like.rows), bool)
        return replace(like, outline=scored(self.masks), all_shapes=scored(self.all_shapes), zero=zero)

    def row(self, name: str, agreement: MapAgreement, *, ceilings: bool = True) -> str:
        """Return the line of the table."""
        every = np.ones(len(agreement.rows), bool)
        outline, shapes = (
            dict(zip(agreement.names, scores.T, strict=True)) for scores in (agreement.outline, agreement.all_shapes)
        )

        def told(values: Floats, members: NDArray[np.bool_] = every, form: str = ".3f") -> str:
            entry = self.means.entry(values, members)
            interval = "" if entry["low"] is None else f" ({entry['low']:{form}}-{entry['high']:{form}})"
            return f"{entry['value']:{form}}{interval}"

        mapped = ~np.isnan(outline["energy"])
        of_means = outline["energy"][mapped].mean() / outline["area_share"][mapped].mean()
        ious = [outline[key] for key in agreement.names if key.startswith("iou_")]
        cells = [
            name,
            told(outline["pointing_game"]),
            f"{outline['pointing_ceiling'].mean():.3f}" if ceilings else "-",
            told(outline["energy_ratio"], form=".2f"),
            f"{of_means:.2f}",
            " / ".join(f"{values.mean():.3f}" for values in ious),
            f"{outline['ceiling'].mean():.3f}" if ceilings else "-",
            told(outline["iou_0.5"], outline["area_share"] >= LARGE),
            told(shapes["iou_0.5"]),
        ]
        return _line(tuple(cells))


def _line(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(cells) + " |"


if __name__ == "__main__":
    main()
