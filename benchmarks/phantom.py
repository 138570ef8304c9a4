"""What a network learns from the phantom: the lesion when no shortcut is planted, the shortcut when one is.

Run ``python benchmarks/phantom.py [--markdown FILE]``; a few minutes on two cores. Two phantoms are trained on with the
recipe of ``configs/quickstart.yaml``, split by case:

- *lesions*: as the quickstart has it, large lesions and no shortcut;
- *marker*: lesions of real size, and a bright marker plate on every malignant picture and no other.

Then every malignant and benign test picture is drawn again, the same patient, exposure and noise, once without its
lesions and once without the plate. What the network says of the pairs tells what it looked at.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from osteolens.config import Config, PhantomOptions, load_config
from osteolens.data.phantom import generate_phantom
from osteolens.data.phantom.cases import plan_cases
from osteolens.data.phantom.oddities import Item, plan_items
from osteolens.data.phantom.render import render_view
from osteolens.data.preprocessing import resize
from osteolens.data.radiographs import load_radiographs
from osteolens.domain import BENIGN, MALIGNANT, NORMAL
from osteolens.experiments import stages
from osteolens.inference.predictor import Predictor
from osteolens.models.checkpoint import checkpoint_path

QUICKSTART = Path(__file__).parents[1] / "configs" / "quickstart.yaml"
SPLIT = "case"
RATES = ("duplicate_rate", "duplicate_conflicts", "label_oddity_rate", "coloured_rate", "jpg_rate")
PHANTOMS = {
    "lesions": [],
    "marker": ["phantom.lesion_scale=1", "phantom.lesion_contrast=1", "phantom.shortcuts.marker=1"],
}


HEAD = (
    "phantom",
    "test images / tumours / malignant",
    "macro AUC",
    "mean tumour probability of the tumours, as drawn → without the lesions",
    "malignant AUC, as drawn",
    "malignant AUC, without the plate",
)
BEFORE = """# What a network learns from the phantom

Written by `python benchmarks/phantom.py --markdown docs/results/phantom.md`: the quickstart's network, one seed, split
by case.
"""
AFTER = """
**lesions**: no shortcut, large lesions. A network that found the lesion loses its tumour probability when the same
picture (patient, exposure and noise) is drawn without it.

**marker**: lesions of real size, and a bright plate on every malignant picture. A network that took the plate scores
high as drawn, and near 0.5 on the same lesions without the plate.
"""


@dataclass(frozen=True)
class Answers:
    """Labels [N] and probabilities [N, 3] of the test part, as it is and drawn again."""

    labels: NDArray[np.str_]
    as_drawn: NDArray[np.float64]
    without_lesions: NDArray[np.float64]
    without_plate: NDArray[np.float64]


def main() -> None:
    """Train on both phantoms and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--markdown", type=Path, help="write the page there as well")
    page = parser.parse_args().markdown
    with tempfile.TemporaryDirectory() as folder:
        rows = [_row(name, _answers(_configuration(name, Path(folder)))) for name in PHANTOMS]
    text = _page(rows)
    print(text)
    if page is not None:
        page.write_text(text, encoding="utf-8")


def _configuration(name: str, folder: Path) -> Config:
    places = [f"data.root={folder / name}", *(f"paths.{key}_dir={folder / key}" for key in ("results", "checkpoints"))]
    plain = [f"phantom.{rate}=0" for rate in RATES]  # every picture can be drawn again as it was
    return load_config(
        QUICKSTART, [f"experiment={name}", f"paths.cache_dir={folder / 'cache'}", *places, *plain, *PHANTOMS[name]]
    )


def _answers(config: Config) -> Answers:
    generate_phantom(config.data.root, seed=config.seed, **config.phantom.model_dump())
    data = load_radiographs(config.data)
    manifest = stages.split(config, data, SPLIT)
    stages.train_run(config, data, SPLIT)
    predictor = Predictor.from_checkpoint(checkpoint_path(config, SPLIT, "best"), "cpu")
    test = manifest.part("test")
    planned = plan_items(plan_cases(config.phantom, config.seed), config.phantom, config.seed)
    items = {item.image_id: item for item in planned}
    chosen = [items[image_id] for image_id in test["image_id"]]

    def answers(options: PhantomOptions, *, lesions: bool) -> NDArray[np.float64]:
        pictures = [_drawn(item, options, config.seed, lesions=lesions) for item in chosen]
        return predictor.probabilities(np.stack([resize(picture, predictor.record) for picture in pictures]))

    bare = config.with_overrides("phantom.shortcuts.marker=0").phantom
    return Answers(
        labels=test["label"].to_numpy(str),
        as_drawn=answers(config.phantom, lesions=True),
        without_lesions=answers(config.phantom, lesions=False),
        without_plate=answers(bare, lesions=True),
    )


def _drawn(item: Item, options: PhantomOptions, seed: int, *, lesions: bool) -> NDArray[np.uint8]:
    render = render_view(item.shown.case, item.shown.view, options, seed=seed, lesions=lesions)
    _, jpeg = cv2.imencode(".jpg", render.picture, [cv2.IMWRITE_JPEG_QUALITY, render.quality])
    return np.asarray(cv2.imdecode(jpeg, cv2.IMREAD_GRAYSCALE), np.uint8)


def _row(name: str, answers: Answers) -> str:
    tumour, malignant = answers.labels != NORMAL, answers.labels == MALIGNANT
    classes = [NORMAL, BENIGN, MALIGNANT]

    def auc(probabilities: NDArray[np.float64]) -> str:
        return f"{roc_auc_score(malignant, probabilities[:, classes.index(MALIGNANT)]):.3f}"

    def mean_tumour(probabilities: NDArray[np.float64]) -> str:
        return f"{1 - probabilities[tumour, classes.index(NORMAL)].mean():.2f}"

    per_class = [roc_auc_score(answers.labels == c, answers.as_drawn[:, k]) for k, c in enumerate(classes)]
    cells = [
        name,
        f"{len(tumour)} / {tumour.sum()} / {malignant.sum()}",
        f"{np.mean(per_class):.3f}",
        f"{mean_tumour(answers.as_drawn)} → {mean_tumour(answers.without_lesions)}",
        auc(answers.as_drawn),
        auc(answers.without_plate),
    ]
    return "| " + " | ".join(cells) + " |"


def _page(rows: list[str]) -> str:
    head = f"| {' | '.join(HEAD)} |\n|{'---|' * len(HEAD)}"
    return f"{BEFORE}\n{head}\n{chr(10).join(rows)}\n{AFTER}"


if __name__ == "__main__":
    main()
