"""Class-activation maps of all classes: the closed form against pytorch-grad-cam, side by side.

Run ``python benchmarks/maps.py [--markdown FILE]``; a few minutes. Random weights and random pictures; both sides use
the same network, and the largest difference between their maps is told beside the ratio. Times are processor time, so
that other work on the machine does not count.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
import torch

from osteolens.explain.cam import class_maps
from osteolens.models.classifier import BTXRDClassifier
from osteolens.runtime import ensure_torchvision

CLASSES = 3
NETWORKS = (("efficientnet_b0", 224), ("mobilenetv2_100", 256))  # the usual one, and that of configs/btxrd256.yaml
BATCHES = {1: 9, 16: 3}  # pictures at once, and how often each side is timed
PAGE = """# Speed of the maps

Written by `python benchmarks/maps.py --markdown docs/results/speed_maps.md`. Maps in closed form against
[pytorch-grad-cam](https://github.com/jacobgil/pytorch-grad-cam): the same network with random weights, random pictures,
both sides in turn in one process, processor time, medians. *1 class* is one map for each picture, *3 classes* three of
them: the library goes forwards and backwards once for each class, the closed form forwards once for all. *double* is
the closed form for all classes at twice the resolution. The aim is 5 times for three classes and a largest difference
of 1e-5. In float32 rounding shows where the channels of a map nearly cancel, a hundredfold in the worst one here.

{table}
"""
HEAD = (
    "| network | input | batch | library, 1 class | library, 3 classes | closed form | ratio, 1 class "
    "| ratio, 3 classes | double / closed form | largest difference | in float64 |"
)


def main() -> None:
    """Time both sides in turn and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--markdown", type=Path, help="write the page there as well")
    page = parser.parse_args().markdown
    ensure_torchvision()
    rows = [row(network, side, batch) for network, side in NETWORKS for batch in BATCHES]
    text = PAGE.format(table="\n".join([HEAD, f"|---{'|---:' * 10}|", *rows]))
    print(text)
    if page is not None:
        page.write_text(text, encoding="utf-8")


def row(network: str, side: int, batch: int) -> str:
    """Return the line of a network and a number of pictures at once."""
    torch.manual_seed(0)
    model = BTXRDClassifier(network, CLASSES).eval()
    with torch.no_grad():  # the library adds 1e-7 to the maximum of a map, which must not matter
        model.network.get_classifier().weight.mul_(1e6)
    images = torch.randn(batch, 3, side, side)
    actions: dict[str, Callable[[], object]] = {
        "one": lambda: library(model, images, 1),
        "all": lambda: library(model, images, CLASSES),
        "ours": lambda: class_maps(model, images, method="closed_form"),
        "double": lambda: class_maps(model, images, method="closed_form", resolution="double"),
    }
    times: dict[str, list[float]] = {name: [] for name in actions}
    for _ in range(BATCHES[batch]):
        for name, action in actions.items():
            times[name].append(seconds(action))
    one, every, ours, double = (median(times[name]) for name in actions)
    cells = [
        *(network, str(side), str(batch)),
        *(f"{1e3 * taken:.0f} ms" for taken in (one, every, ours)),
        *(f"{taken / ours:.1f} x" for taken in (one, every)),
        f"{double / ours:.1f} x",
        f"{largest_difference(model, images):.1e}",
        f"{largest_difference(model.double(), images.double()):.1e}",
    ]
    return f"| {' | '.join(cells)} |"


def largest_difference(model: BTXRDClassifier, images: torch.Tensor) -> float:
    """Return the largest difference between both sides' maps of all classes, each scaled to 0..1 and enlarged."""
    from pytorch_grad_cam.utils.image import scale_cam_image

    maps = class_maps(model, images, method="closed_form").maps.values
    side = images.shape[-1]
    ours = np.stack([scale_cam_image(scale_cam_image(image, (side, side))) for image in maps])
    return float(np.abs(ours - library(model, images, CLASSES)).max())


def library(model: BTXRDClassifier, images: torch.Tensor, classes: int) -> np.ndarray:
    """Return the library's maps [B, classes, S, S] of the first classes."""
    from pytorch_grad_cam import GradCAM
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    with GradCAM(model, [model.gradcam_target_layer]) as cam:
        return np.stack([cam(images, [ClassifierOutputTarget(k)] * len(images)) for k in range(classes)], axis=1)


def seconds(action: Callable[[], object]) -> float:
    """Return the processor time that `action` takes."""
    start = time.process_time()
    action()
    return time.process_time() - start


if __name__ == "__main__":
    main()
