"""Decoding and resizing a full-size JPEG: this package's scaled grey decode against Pillow's full decode + bilinear.

Run ``python benchmarks/decode.py``. Uses the full-size radiographs of ``../shared/btxrd_originals`` where they are,
else made-up ones of 2000 x 2700 pixels. Pillow is timed in grey and in RGB, which is how most training code reads. The
difference is that of the network's input to plain area averaging of the fully decoded picture.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import cv2
import numpy as np
from PIL import Image

from osteolens.config import Config
from osteolens.data.images import read_grey
from osteolens.data.preprocessing import read_input

ORIGINALS = Path(__file__).resolve().parents[2] / "shared" / "btxrd_originals"
SIDE, REPEATS = 224, 5


def seconds(action: Callable[[], object]) -> float:
    """Return the least of several times of one call on one core."""
    times = []
    for _ in range(REPEATS):
        start = time.process_time()
        action()
        times.append(time.process_time() - start)
    return min(times)


def made_up_radiographs(folder: Path) -> list[Path]:
    """Write smooth pictures with fine grain, which compress about as radiographs do."""
    paths = []
    for number in range(8):
        generator = np.random.default_rng(number)
        coarse = cv2.resize(generator.normal(110, 60, (9, 7)), (2000, 2700), interpolation=cv2.INTER_CUBIC)
        grain = cv2.GaussianBlur(generator.normal(0, 8, (2700, 2000)), (0, 0), 1.5)
        path = folder / f"{number}.jpg"
        Image.fromarray((coarse + grain).clip(0, 255).astype(np.uint8)).save(path, quality=85)
        paths.append(path)
    return paths


def with_pillow(path: Path, mode: str) -> np.ndarray:
    """Return the picture decoded whole and resized bilinearly."""
    with Image.open(path) as image:
        return np.asarray(image.convert(mode).resize((SIDE, SIDE), Image.Resampling.BILINEAR))


def main() -> None:
    """Time every picture on each side in turn and print ratios and differences."""
    cv2.setNumThreads(1)
    record = Config().with_overrides(f"data.image_size={SIDE}", "data.resize=stretch").preprocessing()
    with tempfile.TemporaryDirectory() as folder:
        paths = sorted(ORIGINALS.glob("*.jpeg")) or made_up_radiographs(Path(folder))
        rows, differences = [], []
        for path in paths:
            averaged = np.asarray(cv2.resize(read_grey(path), (SIDE, SIDE), interpolation=cv2.INTER_AREA)).astype(int)
            differences.append(float(np.abs(read_input(path, record) - averaged).mean()))
            actions = (
                lambda path=path: read_input(path, record),
                lambda path=path: with_pillow(path, "L"),
                lambda path=path: with_pillow(path, "RGB"),
            )
            rows.append([seconds(action) for action in actions])
    ours, grey, colour = np.array(rows).T
    print(f"{len(paths)} JPEGs to {SIDE} px (base picture {record.base.size} px), best of {REPEATS}, one core")
    print(f"  osteolens           {1e3 * median(ours):6.2f} ms median, {1e3 * ours.sum():6.0f} ms all")
    for name, theirs in (("Pillow grey", grey), ("Pillow RGB", colour)):
        times = f"{1e3 * median(theirs):6.2f} ms median, {1e3 * theirs.sum():6.0f} ms all"
        ratios = f"{median(theirs / ours):.1f} x per picture, {theirs.sum() / ours.sum():.1f} x over all"
        print(f"  {name:18}  {times}; {ratios}")
    print(
        f"  difference to area averaging: mean {np.mean(differences):.2f}, largest {max(differences):.2f} grey levels"
    )


if __name__ == "__main__":
    main()
