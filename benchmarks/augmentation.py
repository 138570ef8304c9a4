"""Random changes of a training picture: what a sample costs, against torchvision.transforms.v2 doing the same.

Run ``python benchmarks/augmentation.py``. Base pictures of 410 px become normalised inputs of 256 px, processor time on
one core; the two libraries' figures are medians of samples taken in turn. A sample of torchvision is drawn from the
global generator, seeded for it inside ``fork_rng``, as a draw by seed, epoch and image would need.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

import cv2
import numpy as np
import torch

from osteolens.config import AugmentationOptions
from osteolens.data.dataset import BTXRDAnnotatedDataset, BTXRDDataset
from osteolens.data.masks import Box, LesionBox
from osteolens.domain import Preprocessing
from osteolens.runtime import ensure_torchvision

ensure_torchvision()
from torchvision import tv_tensors  # noqa: E402  its import fails beside some builds of torch
from torchvision.transforms import v2  # noqa: E402

SIDE, BASE, PICTURES, ROUNDS = 256, 410, 64, 3
EVERYTHING = AugmentationOptions(
    vertical_flip=0.5, zoom_in=0.5, gamma=0.3, low_resolution=3.0, sharpness=0.5, noise=0.03, erase=0.5
)
Sample = Callable[[int], object]


def radiographs() -> np.ndarray:
    """Return smooth limbs with grain, uint8 [PICTURES, BASE, BASE]."""
    generator = np.random.default_rng(0)
    across = np.abs(np.arange(BASE) - BASE / 2)
    limb = np.where(across < BASE / 5, 160 - across, 20)
    return np.clip(limb + generator.normal(0, 8, (PICTURES, BASE, BASE)), 0, 255).astype(np.uint8)


def torchvision_sample(pictures: np.ndarray, *, everything: bool = False, masks: np.ndarray | None = None) -> Sample:
    """Return what draws sample i: the nearest that transforms.v2 has for each of our switches."""
    steps: list[torch.nn.Module] = [
        v2.RandomHorizontalFlip(0.5),
        v2.RandomAffine(
            15, translate=(0.05, 0.05), scale=(1 / 1.15, 1.15), interpolation=v2.InterpolationMode.BILINEAR
        ),
        v2.Resize((SIDE, SIDE), antialias=True),
        v2.ColorJitter(brightness=0.15, contrast=0.15),
    ]
    if everything:
        steps[2:3] = [v2.RandomVerticalFlip(0.5), v2.RandomResizedCrop(SIDE, (0.44, 1), (1, 1), antialias=True)]
        steps += [v2.RandomAdjustSharpness(1.5, 0.5), v2.GaussianBlur(7, (0.1, 1))]
    steps.append(v2.ToDtype({tv_tensors.Image: torch.float32, "others": None}, scale=True))
    if everything:
        steps += [v2.GaussianNoise(sigma=0.03), v2.RandomErasing(0.5, (0.02, 0.1))]
    change = v2.Compose(steps)
    normalise = v2.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])

    def sample(index: int) -> torch.Tensor:
        image = tv_tensors.Image(torch.from_numpy(pictures[index])[None])
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(index)
            if masks is None:
                return normalise(change(image).expand(3, -1, -1))
            moved, _ = change(image, tv_tensors.Mask(torch.from_numpy(masks[index])))
            return normalise(moved.expand(3, -1, -1))

    return sample


def milliseconds(*samples: Sample) -> list[float]:
    """Return the median processor time of each kind of sample, taken in turn."""
    times: list[list[float]] = [[] for _ in samples]
    for turn in range(ROUNDS * PICTURES):
        for sample, taken in zip(samples, times, strict=True):
            start = time.thread_time()
            sample(turn % PICTURES)
            taken.append(1e3 * (time.thread_time() - start))
    return [median(taken) for taken in times]


def main() -> None:
    """Time the pipelines side by side and print their ratios."""
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    pictures = radiographs()
    masks = (pictures > 140).astype(np.uint8)
    record = Preprocessing(SIDE, supersampling=BASE / SIDE)
    labels = [0] * PICTURES
    box = dict.fromkeys(range(PICTURES), LesionBox(Box(180, 180, 230, 230), (204, 204)))
    defaults = AugmentationOptions()
    plain = BTXRDDataset(pictures, labels, record)
    changed = BTXRDDataset(pictures, labels, record, augmentation=defaults)
    full = BTXRDDataset(pictures, labels, record, augmentation=EVERYTHING, lesion_boxes=box)
    dimmed = BTXRDAnnotatedDataset(pictures, labels, record, masks=dict(enumerate(masks)), augmentation=defaults)
    pairs: list[tuple[str, Sample, Sample]] = [
        ("default changes", changed.__getitem__, torchvision_sample(pictures)),
        ("  and a mask", lambda row: dimmed[PICTURES + row], torchvision_sample(pictures, masks=masks)),
        ("every switch", full.__getitem__, torchvision_sample(pictures, everything=True)),
    ]
    print(f"a sample of {SIDE} px from {BASE} px, ms       osteolens   torchvision   ratio")
    for name, ours, theirs in pairs:
        one, other = milliseconds(ours, theirs)
        print(f"  {name:36} {one:8.2f}   {other:11.2f}   {other / one:5.1f}")
    print(f"  {'no change (sampling, normalising)':36} {milliseconds(plain.__getitem__)[0]:8.2f}")


if __name__ == "__main__":
    main()
