"""Coverage of conformal sets in simulation: images that depend on their case, few to many calibration cases.

Run ``python benchmarks/conformal_coverage.py``. The promise holds for one image of a new case: the mean coverage of n
calibration cases is ``ceil((n + 1) * level) / (n + 1)``. Beside it stands what comes of counting all images as if they
were independent: the sets cover less than promised.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path

import numpy as np
from scipy.special import ndtr

from osteolens.evaluation.conformal import calibrate_sets
from osteolens.storage import write_text

LEVEL, DRAWS, WITHIN_CASE = 0.9, 4000, 0.9  # the last is the correlation of two images of a case, squared root
SIZES = (1, 1, 1, 2, 2, 3, 5, 9)  # images of a case, in turn


def coverage(cases: int, *, by_case: bool) -> np.ndarray:
    """Return [DRAWS] the coverage of new images after a calibration on `cases` cases.

    The probability of the true class is uniform over images, so that a cutoff q covers exactly 1 - q of them.
    """
    generator = np.random.default_rng(1)
    sizes = np.resize(SIZES, cases)
    case_of_image = np.repeat(np.arange(cases), sizes)
    labels = np.zeros(sizes.sum(), dtype=np.int64)
    ids = case_of_image.astype(str) if by_case else np.arange(sizes.sum()).astype(str)
    found = np.empty(DRAWS)
    for draw in range(DRAWS):
        shared, own = generator.normal(size=cases)[case_of_image], generator.normal(size=labels.size)
        scores = ndtr(WITHIN_CASE * shared + math.sqrt(1 - WITHIN_CASE**2) * own)
        sets = calibrate_sets(
            labels, scores[:, None], ids, class_names=("class",), level=LEVEL, generator=np.random.default_rng(draw)
        )
        found[draw] = 1 - sets.cutoffs[0]
    return found


def page() -> str:
    """Return the table, mean coverage and how often a calibration covers less than 0.85, as Markdown."""
    lines = [
        "# Coverage of conformal sets",
        "",
        "Written by `python benchmarks/conformal_coverage.py --markdown docs/results/conformal_coverage.md`:",
        f"{DRAWS:,} calibrations of each size, of cases with 1 to {max(SIZES)} images that are much alike. A set is",
        f"promised to hold the class of one image of a new case with probability {LEVEL:g}. Beside it stands what",
        "comes of counting every calibration image as if it were independent of the others.",
        "",
        "| cases | promised mean | one image of each case: mean | below 0.85 | all images: mean | below 0.85 |",
        "|---|---|---|---|---|---|",
    ]
    for cases in (9, 20, 30, 60, 120):
        promised = math.ceil((cases + 1) * LEVEL - 1e-9) / (cases + 1)
        cells = [str(cases), f"{promised:.4f}"]
        for by_case in (True, False):
            found = coverage(cases, by_case=by_case)
            cells += [f"{found.mean():.4f}", f"{100 * np.mean(found < 0.85):.1f}%"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Print the page, and write it where that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--markdown", type=Path, help="write the page there")
    asked = parser.parse_args()
    text = page()
    print(text)
    if asked.markdown:
        write_text(asked.markdown, text)


if __name__ == "__main__":
    main()
