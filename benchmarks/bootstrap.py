"""1,000 resamples of the whole metric set on 808 made-up images: this package against scikit-learn in a loop.

Run ``python benchmarks/bootstrap.py``. Both sides draw by case and compute the same 28 figures; scikit-learn is timed
over fewer resamples and scaled, since its time per resample does not depend on their number. Times are of the
processor, so that other work on the machine does not count.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

import numpy as np
from sklearn import metrics as sk

from osteolens.evaluation.bca import acceleration, jackknife_metrics
from osteolens.evaluation.bootstrap import bootstrap_weights, case_strata
from osteolens.evaluation.metrics import compute_metrics

IMAGES, CLASSES, RESAMPLES, LOOP_RESAMPLES, REPEATS = 808, 3, 1000, 50, 5


def made_up_predictions() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return labels [N], probabilities [N, K] and case ids [N] with two images per case."""
    generator = np.random.default_rng(0)
    labels = np.repeat(generator.choice(CLASSES, size=IMAGES // 2, p=(0.5, 0.4, 0.1)), 2)
    probabilities = generator.dirichlet(np.ones(CLASSES), IMAGES) + np.eye(CLASSES)[labels] * 0.3
    cases = np.array([f"case{index // 2:04d}" for index in range(IMAGES)])
    return labels, probabilities / probabilities.sum(axis=1, keepdims=True), cases


def scikit_learn_metrics(labels: np.ndarray, probabilities: np.ndarray) -> list[float]:
    """Return the same figures, one library call for each."""
    predicted = probabilities.argmax(axis=1)
    areas = [
        score(labels == k, probabilities[:, k])
        for score in (sk.roc_auc_score, sk.average_precision_score)
        for k in range(CLASSES)
    ]
    precision, sensitivity, f1, _ = sk.precision_recall_fscore_support(
        labels, predicted, labels=range(CLASSES), zero_division=np.nan
    )
    specificity = [sk.recall_score(labels != k, predicted != k) for k in range(CLASSES)]
    overall = [sk.accuracy_score(labels, predicted), sk.balanced_accuracy_score(labels, predicted)]
    overall += [sk.cohen_kappa_score(labels, predicted), sk.matthews_corrcoef(labels, predicted)]
    macro = [np.mean(areas[:CLASSES]), np.mean(areas[CLASSES:]), np.mean(f1), np.mean(precision), np.mean(specificity)]
    macro.append(np.average(f1, weights=np.bincount(labels, minlength=CLASSES)))
    return [*areas, *precision, *sensitivity, *f1, *specificity, *overall, *macro]


def seconds(action: Callable[[], object]) -> float:
    """Return how much processor time `action` takes."""
    start = time.process_time()
    action()
    return time.process_time() - start


def main() -> None:
    """Time both sides in turn and print the ratio of the medians."""
    labels, probabilities, cases = made_up_predictions()

    def vectorised() -> None:
        weights = bootstrap_weights(cases, labels, RESAMPLES, np.random.default_rng(1))
        compute_metrics(labels, probabilities, weights)

    def bca() -> None:
        strata = case_strata(cases, labels)[1]
        for left_out in jackknife_metrics(labels, probabilities, cases).values():
            acceleration(left_out, strata)

    def loop() -> None:
        for weights in bootstrap_weights(cases, labels, LOOP_RESAMPLES, np.random.default_rng(1)):
            rows = np.repeat(np.arange(IMAGES), weights)
            scikit_learn_metrics(labels[rows], probabilities[rows])

    vectorised()
    ours, theirs, accelerations = [], [], []
    for _ in range(REPEATS):
        ours.append(seconds(vectorised))
        accelerations.append(seconds(bca))
        theirs.append(seconds(loop) * RESAMPLES / LOOP_RESAMPLES)
    print(f"{RESAMPLES} resamples of {IMAGES} images, medians of {REPEATS} runs in turn")
    print(f"  scikit-learn in a loop  {median(theirs):8.2f} s (scaled from {LOOP_RESAMPLES} resamples)")
    print(f"  osteolens               {median(ours):8.3f} s")
    print(f"  for BCa besides         {median(accelerations):8.3f} s")
    print(f"  ratio                   {median(theirs) / median(ours):8.0f} x")


if __name__ == "__main__":
    main()
