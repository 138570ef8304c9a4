"""Class-activation maps of three classes, batch 16: the closed form against pytorch-grad-cam called per class.

Run ``python benchmarks/maps.py``. EfficientNet-B0 at 224 pixels with random weights on random pictures; both sides use
the same network, and the largest difference between their maps is printed beside the ratio. Times are processor time,
so that other work on the machine does not count; what the double resolution takes is printed too.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

import numpy as np
import torch

from osteolens.explain.cam import class_maps
from osteolens.models.classifier import BTXRDClassifier
from osteolens.runtime import ensure_torchvision

BATCH, SIDE, CLASSES, REPEATS = 16, 224, 3, 3


def seconds(action: Callable[[], object]) -> float:
    """Return the processor time that `action` takes."""
    start = time.process_time()
    action()
    return time.process_time() - start


def main() -> None:
    """Time both sides in turn and print the ratio of the medians."""
    ensure_torchvision()
    from pytorch_grad_cam import GradCAM
    from pytorch_grad_cam.utils.image import scale_cam_image
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    torch.manual_seed(0)
    model = BTXRDClassifier("efficientnet_b0", CLASSES).eval()
    with torch.no_grad():  # the library adds 1e-7 to a map's maximum, which must not matter
        model.network.get_classifier().weight.mul_(1000)
    images = torch.randn(BATCH, 3, SIDE, SIDE)

    def closed_form() -> np.ndarray:
        return class_maps(model, images, method="closed_form").maps.values

    def doubled() -> np.ndarray:
        return class_maps(model, images, method="closed_form", resolution="double").maps.values

    def library() -> np.ndarray:
        with GradCAM(model, [model.gradcam_target_layer]) as cam:
            return np.stack([cam(images, [ClassifierOutputTarget(k)] * BATCH) for k in range(CLASSES)], axis=1)

    ours = np.stack([scale_cam_image(image, (SIDE, SIDE)) for image in closed_form()])
    difference = np.abs(np.stack([scale_cam_image(image) for image in ours]) - library()).max()
    times: dict[str, list[float]] = {"closed form": [], "double": [], "library": []}
    for _ in range(REPEATS):
        times["closed form"].append(seconds(closed_form))
        times["double"].append(seconds(doubled))
        times["library"].append(seconds(library))
    ours_s, theirs_s = median(times["closed form"]), median(times["library"])
    print(f"maps of {CLASSES} classes, batch {BATCH}, {SIDE} px, medians of {REPEATS} runs in turn")
    print(f"  pytorch-grad-cam per class  {theirs_s:7.3f} s")
    print(f"  osteolens closed form       {ours_s:7.3f} s")
    doubled_s = median(times["double"])
    print(f"  at double resolution        {doubled_s:7.3f} s, {doubled_s / ours_s:.2f} x")
    print(f"  ratio                       {theirs_s / ours_s:7.1f} x, largest difference {difference:.1e}")


if __name__ == "__main__":
    main()
