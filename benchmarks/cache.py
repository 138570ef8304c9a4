"""The decoded-image cache: a picture from it against decoding it again, and loading against a training step.

Run ``python benchmarks/cache.py``. Uses the full-size radiographs of ``../shared/btxrd_originals`` where they are, else
made-up ones (see ``decode.py``). The training step is MobileNetV2 at 160 px, batch 16, on one core; loading is what the
loader does for such a batch: sampling, random changes, normalisation, collation.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
import torch
from decode import ORIGINALS, made_up_radiographs
from torch.utils.data import DataLoader
from training_workers import training_step

from osteolens.config import Config
from osteolens.data.cache import cached_pictures
from osteolens.data.dataset import BTXRDDataset
from osteolens.data.preprocessing import read_input
from osteolens.models.classifier import BTXRDClassifier

SIDE, BATCH, REPEATS, STEPS = 160, 16, 7, 5


def seconds(action: Callable[[], object]) -> float:
    """Return the processor time of one call."""
    start = time.process_time()
    action()
    return time.process_time() - start


def main() -> None:
    """Time both comparisons side by side and print their ratios."""
    torch.set_num_threads(1)
    config = Config().with_overrides(f"data.image_size={SIDE}")
    record = config.preprocessing()
    with tempfile.TemporaryDirectory() as folder:
        paths = sorted(ORIGINALS.glob("*.jpeg")) or made_up_radiographs(Path(folder))
        pictures = cached_pictures(paths, record.base, Path(folder) / "cache")
        decode, cache = [], []
        for _ in range(REPEATS):
            decode.append(seconds(lambda: [read_input(path, record.base) for path in paths]) / len(paths))
            cache.append(seconds(lambda: [np.array(picture) for picture in pictures]) / len(paths))
        many = np.resize(np.array(pictures), (BATCH * STEPS, record.base.size, record.base.size))
    loader = DataLoader(BTXRDDataset(many, [0] * len(many), record, augmentation=config.augmentation), BATCH)
    images = next(iter(loader))["image"].to(memory_format=torch.channels_last)
    model = BTXRDClassifier("mobilenetv2_100", 3).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    step = training_step(model, images)
    step()
    loading, training = [], []
    for _ in range(REPEATS):
        loading.append(seconds(lambda: list(loader)) / STEPS)
        training.append(seconds(step))
    print(f"{len(paths)} JPEGs, medians of {REPEATS} epochs in turn, per image, {os.cpu_count()} cores, one used")
    print(f"  decode each time   {1e3 * median(decode):8.3f} ms")
    print(f"  from the cache     {1e3 * median(cache):8.3f} ms")
    print(f"  ratio              {median(decode) / median(cache):8.0f} x")
    print(f"MobileNetV2, {SIDE} px, batch {BATCH}, medians of {REPEATS} in turn")
    print(f"  loading a batch    {1e3 * median(loading):8.1f} ms")
    print(f"  training step      {1e3 * median(training):8.1f} ms")
    print(f"  share              {median(loading) / median(training):8.1%}")


if __name__ == "__main__":
    main()
