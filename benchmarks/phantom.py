"""What a network learns from the phantom: the lesion when no shortcut is planted, the shortcut when one is.

Run ``python benchmarks/phantom.py [--markdown FILE]``; about ten minutes on two cores. Two phantoms are trained on with
the recipe of ``configs/quickstart.yaml`` at twice its input, split by case:

- *lesions*: as the quickstart has it, large lesions and no shortcut;
- *marker*: lesions of real size, and a bright marker plate on every malignant picture and no other.

Then every malignant and benign test picture is drawn again, the same patient, exposure and noise, once without its
lesions and once without the plate. What the network says of the pairs tells what it looked at, and where the
class-activation map of the true class is highest must say the same.
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
from osteolens.data.phantom.oddities import plan_items
from osteolens.data.phantom.render import Render, render_view
from osteolens.data.preprocessing import resize
from osteolens.data.radiographs import load_radiographs
from osteolens.domain import BENIGN, MALIGNANT, NORMAL
from osteolens.experiments import stages
from osteolens.explain.cell_map import CellMap
from osteolens.explain.picture_maps import picture_maps
from osteolens.explain.resolution import cell_means
from osteolens.inference.torch_network import TorchNetwork
from osteolens.models.checkpoint import checkpoint_path

QUICKSTART = Path(__file__).parents[1] / "configs" / "quickstart.yaml"
SPLIT = "case"
RECIPE = ["data.image_size=192", "training.epochs=20"]  # at 96 pixels the maps have 3 x 3 cells, too few to point
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
MAP_HEAD = (
    "phantom, as drawn",
    "maps of the true class",
    "highest cell touches the plate (a cell at random)",
    "highest cell touches the lesion (a cell at random)",
)
BEFORE = """# What a network learns from the phantom

Written by `python benchmarks/phantom.py --markdown docs/results/phantom.md`: the quickstart's network at 192 pixels
and 20 epochs, one seed, split by case.
"""
AFTER = """
**lesions**: no shortcut, large lesions. A network that found the lesion loses its tumour probability when the same
picture (patient, exposure and noise) is drawn without it.

**marker**: lesions of real size, and a bright plate on every malignant picture. A network that took the plate scores
high as drawn, and near 0.5 on the same lesions without the plate.

The map of a network that found the lesion should be highest on it, that of one that took the plate on the plate. Read
the shares beside those of a cell drawn at random. Maps have twice the network's resolution, 12 x 12 cells. A cell
touches what lies in it, if only by a pixel, and is influenced by what lies around it. (At 96 pixels, as in the
quickstart, maps have 6 x 6 cells at best, each influenced by most of the picture: there a network that took the plate
had maps that missed it.)
"""


@dataclass(frozen=True)
class Answers:
    """Labels [N] and probabilities [N, 3] of the test part, as it is and drawn again; and rows of the table of maps."""

    labels: NDArray[np.str_]
    as_drawn: NDArray[np.float64]
    without_lesions: NDArray[np.float64]
    without_plate: NDArray[np.float64]
    map_rows: list[str]


def main() -> None:
    """Train on both phantoms and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--markdown", type=Path, help="write the page there as well")
    page = parser.parse_args().markdown
    with tempfile.TemporaryDirectory() as folder:
        found = {name: _answers(_configuration(name, Path(folder))) for name in PHANTOMS}
    tables = [
        _table(HEAD, [_row(name, answers) for name, answers in found.items()]),
        _table(MAP_HEAD, [row for answers in found.values() for row in answers.map_rows]),
    ]
    text = f"{BEFORE}\n{tables[0]}\n\n{tables[1]}\n{AFTER}"
    print(text)
    if page is not None:
        page.write_text(text, encoding="utf-8")


def _configuration(name: str, folder: Path) -> Config:
    places = [f"data.root={folder / name}", *(f"paths.{key}_dir={folder / key}" for key in ("results", "checkpoints"))]
    plain = [f"phantom.{rate}=0" for rate in RATES]  # every picture can be drawn again as it was
    own = [f"experiment={name}", f"paths.cache_dir={folder / 'cache'}", "explanation.resolution=double"]
    return load_config(QUICKSTART, [*RECIPE, *own, *places, *plain, *PHANTOMS[name]])


def _answers(config: Config) -> Answers:
    generate_phantom(config.data.root, seed=config.seed, **config.phantom.model_dump())
    data = load_radiographs(config.data)
    manifest = stages.split(config, data, SPLIT)
    stages.train_run(config, data, SPLIT)
    network = TorchNetwork.from_checkpoint(checkpoint_path(config, SPLIT, "best"), "cpu")
    test = manifest.part("test")
    planned = plan_items(plan_cases(config.phantom, config.seed), config.phantom, config.seed)
    items = {item.image_id: item for item in planned}
    chosen = [items[image_id] for image_id in test["image_id"]]

    def renders(options: PhantomOptions, *, lesions: bool = True) -> list[Render]:
        return [
            render_view(item.shown.case, item.shown.view, options, seed=config.seed, lesions=lesions) for item in chosen
        ]

    bare = config.with_overrides("phantom.shortcuts.marker=0").phantom
    drawn = {"as drawn": renders(config.phantom), "without the plate": renders(bare)}
    labels = test["label"].to_numpy(str)
    return Answers(
        labels=labels,
        as_drawn=network.probabilities(_inputs(drawn["as drawn"], network)),
        without_lesions=network.probabilities(_inputs(renders(config.phantom, lesions=False), network)),
        without_plate=network.probabilities(_inputs(drawn["without the plate"], network)),
        map_rows=_map_rows(config, network, drawn, labels),
    )


def _inputs(renders: list[Render], network: TorchNetwork) -> NDArray[np.uint8]:
    """Return the network's inputs [N, S, S] of pictures stored as JPEG like those of the data set."""
    pictures = []
    for render in renders:
        _, jpeg = cv2.imencode(".jpg", render.picture, [cv2.IMWRITE_JPEG_QUALITY, render.quality])
        pictures.append(np.asarray(cv2.imdecode(jpeg, cv2.IMREAD_GRAYSCALE), np.uint8))
    return np.stack([resize(picture, network.record) for picture in pictures])


def _map_rows(
    config: Config, network: TorchNetwork, drawn: dict[str, list[Render]], labels: NDArray[np.str_]
) -> list[str]:
    """Return where the maps of the tumours' true class are highest, a row per kind of picture and group of tumours."""
    planted = config.phantom.shortcuts.marker > 0
    rows = []
    for words, all_renders in drawn.items() if planted else [("as drawn", drawn["as drawn"])]:
        for group, inside in (("tumours", labels != NORMAL), (MALIGNANT.lower(), labels == MALIGNANT)):
            renders = [render for render, chosen in zip(all_renders, inside, strict=True) if chosen]
            classes = np.array([network.class_names.index(label) for label in labels[inside]])
            pictures = _inputs(renders, network)
            maps = picture_maps(network.model, network.record, pictures, classes, options=config.explanation)
            told = [_touching(maps, [what(render) for render in renders], network) for what in (_plate, _lesions)]
            rows.append(_line([f"{config.experiment}, {words}", f"{len(renders)} {group}", *told]))
    return rows


def _plate(render: Render) -> NDArray[np.bool_]:
    """Return [H, W] where the planted plate lies; a letter without a plate is none."""
    mask = np.zeros(render.picture.shape, bool)
    if render.marker is not None and render.marker.style == "plate":
        left, top, right, bottom = render.marker.box
        mask[top:bottom, left:right] = True
    return mask


def _lesions(render: Render) -> NDArray[np.bool_]:
    """Return [H, W] where the lesions lie."""
    return np.any([np.zeros(render.picture.shape, bool), *render.outlines], axis=0)


def _touching(maps: CellMap, masks: list[NDArray[np.bool_]], network: TorchNetwork) -> str:
    """Return the share of maps whose highest cell touches what is masked, of those whose picture has any of it."""
    hits, chances = [], []
    for place, mask in enumerate(masks):
        on_input = resize(mask.astype(np.uint8) * 255, network.record) > 0
        if on_input.any():
            touched = cell_means(on_input.astype(np.float32), maps[place]).values > 0
            hits.append(touched.flat[maps[place].values.argmax()] and not maps[place].is_zero)
            chances.append(touched.mean())
    return f"{np.mean(hits):.2f} ({np.mean(chances):.2f}), n = {len(hits)}" if hits else "there is none"


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
    return _line(cells)


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _table(head: tuple[str, ...], rows: list[str]) -> str:
    return "\n".join([_line(list(head)), f"|{'---|' * len(head)}", *rows])


if __name__ == "__main__":
    main()
