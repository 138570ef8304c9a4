"""Near-duplicates over all pairs: osteolens against imagehash in a Python loop, side by side.

Run ``python benchmarks/near_duplicates.py``. Pictures are those of ../shared/btxrd256 when it is there, else generated
ones. Both sides find the same hashes and pairs, which is checked first. imagehash compares some rows with all later
ones and hashes some pictures; its times are scaled by the number of pairs and pictures, on which they depend linearly.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import imagehash
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from osteolens.data.duplicates import NEAR_DISTANCE, near_duplicates, perceptual_hashes
from osteolens.data.images import read_grey

REAL = Path(__file__).resolve().parents[2] / "shared" / "btxrd256" / "images"
GENERATED, SIDE = 3746, 256
HASHED, ROWS, REPEATS = 300, 40, 3


def pictures() -> tuple[str, list[NDArray[np.uint8]]]:
    """Return what the pictures are, and the pictures."""
    if REAL.is_dir():
        return "BTXRD-256", [read_grey(path) for path in sorted(REAL.glob("*.jpeg"))]
    generator = np.random.default_rng(0)
    grids = generator.integers(0, 256, (GENERATED, 12, 12), dtype=np.uint8)
    return "generated", [
        np.asarray(Image.fromarray(grid).resize((SIDE, SIDE), Image.Resampling.BICUBIC)) for grid in grids
    ]


def seconds(action: Callable[[], object]) -> float:
    """Return how long `action` takes."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def main() -> None:
    """Time both sides in turn and print the ratios of the medians."""
    kind, greys = pictures()
    names = [str(i) for i in range(len(greys))]
    hashes = perceptual_hashes(greys)
    theirs = [imagehash.hex_to_hash(f"{int(value):016x}") for value in hashes]
    sample = greys[:HASHED]
    if [str(imagehash.phash(Image.fromarray(grey))) for grey in sample] != [f"{int(h):016x}" for h in hashes[:HASHED]]:
        raise SystemExit("the hashes differ from those of imagehash")
    all_pairs = len(greys) * (len(greys) - 1) // 2
    rows = np.linspace(0, len(greys) - 2, ROWS).astype(int)
    compared = sum(len(greys) - 1 - int(row) for row in rows)

    def loop() -> list[tuple[int, int]]:
        return [(i, j) for i in rows for j in range(i + 1, len(theirs)) if theirs[i] - theirs[j] <= NEAR_DISTANCE]

    found = {(int(pair.first), int(pair.second)) for pair in near_duplicates(names, hashes)}
    if set(loop()) != {pair for pair in found if pair[0] in set(rows)}:
        raise SystemExit("the pairs differ from those of imagehash")
    times: dict[str, list[float]] = {"loop": [], "ours": [], "their hashes": [], "our hashes": []}
    for _ in range(REPEATS):
        times["ours"].append(seconds(lambda: near_duplicates(names, hashes)))
        times["loop"].append(seconds(loop) * all_pairs / compared)
        times["our hashes"].append(seconds(lambda: perceptual_hashes(sample)))
        times["their hashes"].append(seconds(lambda: [imagehash.phash(Image.fromarray(grey)) for grey in sample]))
    middle = {name: median(values) for name, values in times.items()}
    print(
        f"{len(greys):,} pictures ({kind}), {all_pairs:,} pairs, {len(found)} near; medians of {REPEATS} runs in turn"
    )
    print(f"  all pairs, imagehash in a loop  {middle['loop']:8.2f} s (scaled from {compared:,} pairs)")
    print(f"  all pairs, osteolens            {middle['ours']:8.3f} s")
    print(f"  ratio                           {middle['loop'] / middle['ours']:8.0f} x (aim: 50)")
    print(f"  {HASHED} hashes, imagehash          {middle['their hashes']:8.3f} s")
    print(f"  {HASHED} hashes, osteolens          {middle['our hashes']:8.3f} s")
    print(f"  ratio                           {middle['their hashes'] / middle['our hashes']:8.1f} x")
    scale = len(greys) / len(sample)
    together = [middle["loop"] + scale * middle["their hashes"], middle["ours"] + scale * middle["our hashes"]]
    print(f"  hashes and pairs of all pictures: {together[0]:.1f} s against {together[1]:.1f} s")
    print(f"  ratio                           {together[0] / together[1]:8.0f} x")


if __name__ == "__main__":
    main()
