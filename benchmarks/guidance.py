"""A training step with attention guidance against one without, side by side.

Run ``python benchmarks/guidance.py [--data path/to/btxrd256] [--markdown FILE]``; a few minutes on one core. Both sides
train the network of ``--config`` on the same pictures, by default of a generated phantom, in one process and in turns
of a few steps. A step is loading with random changes, forward and backward pass and optimiser. Its cost is processor
time, so that other work on the machine does not count. What guidance is worth is another question:
``python benchmarks/ablation.py --plan benchmarks/guidance.yaml`` trains for it.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path
from statistics import median
from time import process_time
from typing import Any

from training_step import PLAIN
from training_workers import ready_to_train

from osteolens.config import Config, load_config
from osteolens.data.phantom import generate_phantom
from osteolens.training.loop import train_one_epoch

RECIPE = Path(__file__).parents[1] / "configs" / "btxrd256.yaml"
WEIGHTS = (0.0, 0.8)
PAGE = """# What a guided training step costs

Written by `python benchmarks/guidance.py --data path/to/btxrd256 --markdown docs/results/speed_guidance.md`. One
process, both sides in turn, processor time; a step is loading with random changes, forward and backward pass and
optimiser. The aim is 1.10.

| network | input | batch | precision | pictures | without guidance | guidance, weight {weight} | ratio of medians |
|---|---:|---:|---|---|---:|---:|---:|
| {network} | {size} | {batch} | {precision} | {pictures} | {without:.0f} ms | {guided:.0f} ms | {ratio:.3f} |

Medians of {turns}.
"""
ALIKE = [*PLAIN, "training.guidance_warmup=0"]


def main() -> None:
    """Time both sides in turn and print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=Path, default=RECIPE, help="network and recipe")
    parser.add_argument("--override", "-o", action="append", default=[], help="section.key=value")
    parser.add_argument("--data", type=Path, help="pictures of a data root instead of a phantom's")
    parser.add_argument("--rounds", type=int, default=6, help="turns of each side")
    parser.add_argument("--steps", type=int, default=5, help="steps of a turn")
    parser.add_argument("--markdown", type=Path, help="write the page there as well")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = asked.data or Path(folder) / "phantom"
        if asked.data is None:
            generate_phantom(root, images=200, longest_side=160, seed=0)
        places = [f"data.root={root}", f"paths.cache_dir={Path(folder) / 'cache'}"]
        config = load_config(asked.config, [*ALIKE, *places, *asked.override])
        text = compared(config, asked.rounds, asked.steps, "real pictures" if asked.data else "pictures of a phantom")
    print(text)
    if asked.markdown is not None:
        asked.markdown.write_text(text, encoding="utf-8")


def compared(config: Config, rounds: int, steps: int, pictures: str) -> str:
    """Return the page: the medians of both sides and their ratio."""
    sides = [turns_of(config.with_overrides(f"training.guidance_weight={weight}"), steps) for weight in WEIGHTS]
    for side in sides:
        side()  # the first steps allocate
    turns = [[side() for side in sides] for _ in range(rounds)]
    without, guided = (median(chain.from_iterable(own)) for own in zip(*turns, strict=True))
    return PAGE.format(
        network=config.model.backbone,
        size=config.data.image_size,
        batch=config.training.batch_size,
        precision=config.training.precision,
        pictures=pictures,
        turns=f"{rounds} turns of {steps} steps",
        weight=WEIGHTS[1],
        without=1e3 * without,
        guided=1e3 * guided,
        ratio=guided / without,
    )


def turns_of(config: Config, steps: int) -> Callable[[], list[float]]:
    """Return what trains some steps, each time it is called, and tells the processor seconds of each."""
    state, parts = ready_to_train(config)

    def turn() -> list[float]:
        batches: Any = _TimedSteps(parts.loader, steps)
        train_one_epoch(state, replace(parts, loader=batches), config.training, epoch=0)
        return batches.seconds

    return turn


class _TimedSteps:
    """The first batches of a loader, with the processor seconds from asking for one to asking for the next."""

    def __init__(self, loader: Any, number: int) -> None:
        self.loader, self.number = loader, min(number, len(loader))
        self.seconds: list[float] = []

    def __len__(self) -> int:
        return self.number

    def __iter__(self) -> Iterator[Any]:
        batches = iter(self.loader)
        for _ in range(self.number):
            asked = process_time()
            yield next(batches)
            self.seconds.append(process_time() - asked)


if __name__ == "__main__":
    main()
