"""How often a 95% interval holds the truth: made-up tables whose true figures are known, evaluated again and again.

Run ``python benchmarks/interval_coverage.py [--simulations 500] [--markdown FILE]``; a few minutes of one core. The
scores of two classes are normal with means apart by `shift` (binormal), so that AUC, sensitivity, specificity and all
that follow from them are known in closed form. A case has 1 to 4 images, whose scores share a part of their variance
(`correlation`). Each simulation draws new cases and asks for the intervals as the package gives them:

- as reported: what `metric_intervals` gives: BCa; Wilson's limits for a share that is the same in every resample;
  DeLong's for the AUC; for balanced accuracy limits put together from those of the classes;
- percentile and BCa, by case; for comparison percentile by image, as if images of one case were independent;
- DeLong's (Obuchowski's where cases have several images) for the AUC: as reported, on the logit scale with Student's
  quantile, then with the normal quantile, then on the plain scale;
- Wilson's for shares;
- for two models on the same images, the interval of the difference and how often p is below 0.05.
"""

from __future__ import annotations

import argparse
import math
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit, ndtr, ndtri

from osteolens.evaluation.bca import acceleration, bca_interval, jackknife_metrics
from osteolens.evaluation.bootstrap import bootstrap_weights, case_strata, percentile_interval
from osteolens.evaluation.delong import auc_covariance, auc_difference, auc_interval
from osteolens.evaluation.entries import share_entry
from osteolens.evaluation.estimates import metric_intervals
from osteolens.evaluation.metrics import compute_metrics, point_metrics
from osteolens.evaluation.paired import two_sided_p_value
from osteolens.evaluation.predictions import PredictionsTable
from osteolens.evaluation.resampling import Resampling
from osteolens.progress import track
from osteolens.randomness import named_generator
from osteolens.storage import write_text

CONFIDENCE, RESAMPLES, LARGEST_CASE = 0.95, 1000, 4
BAND = (0.93, 0.97)
SHOWN = ("accuracy", "balanced_accuracy", "mcc", "sensitivity", "specificity", "precision", "f1", "auc")
OF_CLASS = {"sensitivity", "specificity", "precision", "f1", "auc"}
Outcomes = dict[tuple[str, str], list[bool]]


@dataclass(frozen=True, slots=True)
class Scenario:
    """One design: numbers of cases, and how far and how alike their scores are.

    Attributes
    ----------
    cases
        Of the first and of the second class. `mixed` ones have images of both instead.
    shift
        Distance of the means in standard deviations.
    correlation
        Share of the variance that the images of one case have in common.
    """

    name: str
    cases: tuple[int, int]
    shift: float
    correlation: float | None = None  # None: one image per case
    mixed: int = 0

    def draw(self, generator: np.random.Generator) -> tuple[NDArray[np.int64], NDArray[np.str_]]:
        """Return [N] labels and [N] case ids."""
        total = sum(self.cases) + self.mixed
        sizes = np.ones(total, int)
        if self.correlation is not None:
            sizes = generator.integers(1, LARGEST_CASE + 1, total)
        case = np.repeat(np.arange(total), sizes)
        labels = np.repeat([0, 1], self.cases)[np.minimum(case, sum(self.cases) - 1)]
        in_mixed = case >= sum(self.cases)
        labels[in_mixed] = generator.integers(0, 2, in_mixed.sum())
        return labels, np.char.add("case", case.astype(str))

    def scores(
        self, labels: NDArray[np.int64], cases: NDArray[np.str_], generator: np.random.Generator
    ) -> NDArray[np.float64]:
        """Return [N] scores; 0 is the point between the two means."""
        common = np.sqrt(self.correlation or 0.0)
        number, case = np.unique(cases, return_inverse=True)
        shared = generator.standard_normal(number.size)[case]
        own = generator.standard_normal(labels.size)
        return self.shift * (labels - 0.5) + common * shared + np.sqrt(1 - common**2) * own

    def truth(self, labels: NDArray[np.int64]) -> dict[str, float]:
        """Return the true figures of the second class for images in these proportions."""
        positives, negatives = np.count_nonzero(labels == 1), np.count_nonzero(labels == 0)
        rate = float(ndtr(self.shift / 2))  # sensitivity and specificity alike
        hits, passed = rate * positives, rate * negatives
        alarms, missed = negatives - passed, positives - hits
        called = (hits + alarms) * (passed + missed)
        return {
            "accuracy": rate,
            "balanced_accuracy": rate,
            "mcc": (hits * passed - alarms * missed) / np.sqrt(called * positives * negatives),
            "sensitivity": rate,
            "specificity": rate,
            "precision": hits / (hits + alarms),
            "f1": 2 * hits / (2 * hits + alarms + missed),
            "auc": float(ndtr(self.shift / np.sqrt(2))),
        }


def shift_of(auc: float) -> float:
    """Return the distance of the means that gives this area."""
    return float(ndtri(auc) * np.sqrt(2))


SCENARIOS = (
    Scenario("150 + 150 single images, AUC 0.80", (150, 150), shift_of(0.80)),
    Scenario("100 + 30 single images, AUC 0.90", (100, 30), shift_of(0.90)),
    Scenario("60 + 15 single images, AUC 0.97", (60, 15), shift_of(0.97)),
    Scenario("60 + 40 cases of 1-4, correlation 0.5, AUC 0.80", (60, 40), shift_of(0.80), 0.5),
    Scenario("40 + 30 cases of 1-4, correlation 0.9, AUC 0.90", (40, 30), shift_of(0.90), 0.9),
    Scenario("40 + 15 cases of 1-4, correlation 0.5, AUC 0.95", (40, 15), shift_of(0.95), 0.5),
    Scenario(
        "25 + 25 cases and 25 of both classes, of 1-4, correlation 0.5, AUC 0.80", (25, 25), shift_of(0.80), 0.5, 25
    ),
)
PAIRED = Scenario("40 + 30 cases of 1-4, correlation 0.5, AUC 0.80", (40, 30), shift_of(0.80), 0.5)
SECOND_AUCS = (0.80, 0.90)


def as_probabilities(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return [N, 2] probabilities; a score above 0 is called the second class."""
    return np.column_stack([expit(-scores), expit(scores)])


def figures(metrics: dict[str, NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return [..., M] the shown figures, those of a class for the second."""
    return np.stack([metrics[name][..., 1] if name in OF_CLASS else metrics[name] for name in SHOWN], axis=-1)


def simulate(scenario: Scenario, simulations: int) -> Outcomes:
    """Return for each (figure, method) whether the interval held the truth, one entry per simulation."""
    outcomes: Outcomes = defaultdict(list)
    for number in track(range(simulations), scenario.name):
        generator = named_generator(number, "coverage", scenario.name)
        labels, cases = scenario.draw(generator)
        scores = scenario.scores(labels, cases, generator)
        truth = scenario.truth(labels)
        for figure, method, low, high in intervals(labels, scores, cases, generator, scenario.correlation is not None):
            outcomes[figure, method].append(bool(low <= truth[figure] <= high))
    return outcomes


def intervals(
    labels: NDArray[np.int64],
    scores: NDArray[np.float64],
    cases: NDArray[np.str_],
    generator: np.random.Generator,
    clustered: bool,
) -> Iterator[tuple[str, str, float, float]]:
    """Yield figure, method and limits; NaN where a method gives none, which then counts as not held."""
    probabilities = as_probabilities(scores)
    samples = figures(compute_metrics(labels, probabilities, bootstrap_weights(cases, labels, RESAMPLES, generator)))
    skew = acceleration(figures(jackknife_metrics(labels, probabilities, cases)), case_strata(cases, labels)[1])
    points = figures(point_metrics(labels, probabilities))
    limits = {
        "percentile": percentile_interval(samples, CONFIDENCE),
        "BCa": bca_interval(points, samples, skew, CONFIDENCE)[:2],
    }
    if clustered:
        images = np.arange(labels.size).astype(str)
        weights = bootstrap_weights(images, labels, RESAMPLES, generator)
        limits["by image"] = percentile_interval(figures(compute_metrics(labels, probabilities, weights)), CONFIDENCE)
    yield from reported(labels, probabilities, cases)
    for method, (low, high) in limits.items():
        yield from ((name, method, low[k], high[k]) for k, name in enumerate(SHOWN))
    yield ("auc", "DeLong", *auc_interval(labels == 1, scores, cases, CONFIDENCE))
    (area,), variance = auc_covariance(labels == 1, scores[None], cases)
    reach = ndtri((1 + CONFIDENCE) / 2) * np.sqrt(variance[0, 0])
    steep = reach / (area * (1 - area)) if 0 < area < 1 else math.nan
    yield "auc", "DeLong, normal quantile", float(expit(logit(area) - steep)), float(expit(logit(area) + steep))
    yield "auc", "DeLong, plain scale", area - reach, area + reach
    right = (scores > 0) == (labels == 1)
    for name, chosen in (("accuracy", labels >= 0), ("sensitivity", labels == 1), ("specificity", labels == 0)):
        wilson = share_entry(right[chosen], cases[chosen], CONFIDENCE)
        yield name, "Wilson", wilson["low"], wilson["high"]


def reported(
    labels: NDArray[np.int64], probabilities: NDArray[np.float64], cases: NDArray[np.str_]
) -> Iterator[tuple[str, str, float, float]]:
    """Yield figure, method and limits as an evaluation prints them."""
    table = PredictionsTable.from_arrays(
        ("first", "second"),
        image_ids=np.arange(labels.size).astype(str),
        labels=np.array(["first", "second"])[labels],
        probabilities=probabilities,
        case_id=cases,
    )
    found = metric_intervals(table, Resampling(RESAMPLES, CONFIDENCE, seed=1))
    for name in SHOWN:
        entry = found["per_class"]["second"][name] if name in OF_CLASS else found["overall"][name]
        low, high = (math.nan if entry[side] is None else entry[side] for side in ("low", "high"))
        yield name, "as reported", low, high


def simulate_pair(scenario: Scenario, second_auc: float, simulations: int) -> tuple[Outcomes, Outcomes]:
    """Return whether the interval of the difference held the truth, and whether p was below 0.05."""
    other = Scenario(scenario.name, scenario.cases, shift_of(second_auc), scenario.correlation)
    held: Outcomes = defaultdict(list)
    rejected: Outcomes = defaultdict(list)
    for number in track(range(simulations), f"{scenario.name} against {second_auc}"):
        generator = named_generator(number, "coverage of a difference", second_auc)
        labels, cases = scenario.draw(generator)
        first = scenario.scores(labels, cases, generator)
        # half of what the second model sees is what the first sees: their scores correlate
        fresh = scenario.scores(labels, cases, generator)
        noise = (first + fresh - scenario.shift * (2 * labels - 1)) / np.sqrt(2)
        second = other.shift * (labels - 0.5) + noise
        weights = bootstrap_weights(cases, labels, RESAMPLES, generator)
        samples = [figures(compute_metrics(labels, as_probabilities(score), weights)) for score in (first, second)]
        low, high = percentile_interval(samples[1] - samples[0], CONFIDENCE)
        p_values = two_sided_p_value(samples[1] - samples[0], CONFIDENCE)
        truths = [model.truth(labels) for model in (scenario, other)]
        for k, name in enumerate(SHOWN):
            held[name, "percentile"].append(bool(low[k] <= truths[1][name] - truths[0][name] <= high[k]))
            rejected[name, "percentile"].append(bool(p_values[k] < 1 - CONFIDENCE))
        found = auc_difference(labels == 1, first, second, cases, CONFIDENCE)
        held["auc", "DeLong"].append(found.low <= truths[1]["auc"] - truths[0]["auc"] <= found.high)
        rejected["auc", "DeLong"].append(found.p_value < 1 - CONFIDENCE)
    return held, rejected


def table(outcomes: Outcomes, *, band: tuple[float, float] | None = BAND) -> list[str]:
    """Return lines of Markdown: a row per method, a column per figure; outside the band in bold."""
    lines = [f"| method | {' | '.join(SHOWN)} |", "|---|" + "---|" * len(SHOWN)]
    for method in dict.fromkeys(method for _, method in outcomes):
        cells = []
        for name in SHOWN:
            rate = np.mean(outcomes[name, method]) if (name, method) in outcomes else None
            text = "" if rate is None else f"{100 * rate:.1f}"
            cells.append(f"**{text}**" if rate is not None and band and not band[0] <= rate <= band[1] else text)
        lines.append(f"| {method} | {' | '.join(cells)} |")
    return lines


def sections(simulations: int) -> Iterator[str]:
    """Run one design after the other and yield its part of the page."""
    error = 100 * np.sqrt(CONFIDENCE * (1 - CONFIDENCE) / simulations)
    yield from (
        "# Coverage of the intervals",
        "",
        f"Written by `python benchmarks/interval_coverage.py`: {simulations} simulations of each design,",
        f"{RESAMPLES} resamples. Numbers are the per cent of 95% intervals that hold the truth, uncertain by",
        f"{error:.1f} (one standard error); those outside {100 * BAND[0]:.0f} to {100 * BAND[1]:.0f} are bold.",
        "Figures of a class are those of the second. A method that gives no interval has not held the truth.",
    )
    for scenario in SCENARIOS:
        yield from ("", f"## {scenario.name}", "", *table(simulate(scenario, simulations)))
    for auc in SECOND_AUCS:
        held, rejected = simulate_pair(PAIRED, auc, simulations)
        yield from ("", f"## Difference of two models: {PAIRED.name}, against {auc:.2f}", "", "Coverage:", "")
        yield from (*table(held), "", "Per cent of p-values below 0.05:", "", *table(rejected, band=None))


def main() -> None:
    """Print the page, and write it where asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--simulations", type=int, default=500, help="of each design")
    parser.add_argument("--markdown", type=Path, help="write the page there")
    asked = parser.parse_args()
    start = time.process_time()
    lines = []
    for line in sections(asked.simulations):
        print(line, flush=True)
        lines.append(line)
    print(f"{time.process_time() - start:.0f} s of processor time")
    if asked.markdown:
        write_text(asked.markdown, "\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
