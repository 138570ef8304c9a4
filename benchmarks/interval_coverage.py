"""How often a 95% interval holds the truth: made-up tables whose true figures are known, evaluated again and again.

Run ``python benchmarks/interval_coverage.py [--simulations 1000] [--markdown FILE]``; some minutes of one core. The
scores of two classes are normal with means apart by `shift` (binormal), so that AUC, sensitivity, specificity and all
that follow from them are known in closed form. A case has 1 to 4 images, whose scores share a part of their variance
(`correlation`). Each simulation draws new cases and asks for the intervals as the package gives them:

- as reported: what `metric_intervals` gives: BCa; Wilson's limits for a share that is the same in every resample or
  rests on few cases; for balanced accuracy limits put together from those of the classes;
- percentile and BCa, by case; for comparison percentile by image, as if images of one case were independent;
- DeLong's (Obuchowski's where cases have several images) for the AUC: as reported, on the logit scale with Student's
  quantile, then with the normal quantile, then on the plain scale;
- Wilson's for shares, also of so few cases that a report gives nothing else;
- for two models on the same images, the interval of the difference and how often p is below 0.05.

DeLong's and Wilson's need no resamples: they are simulated DIRECT times.
"""

from __future__ import annotations

import argparse
import math
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path

import numpy as np
from coverage_designs import LARGEST_CASE, PAIRED, SCENARIOS, SECOND_AUCS, Scenario, shift_of
from numpy.typing import NDArray
from scipy.special import expit, logit, ndtri

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

CONFIDENCE, RESAMPLES = 0.95, 1000
DIRECT = 10_000  # simulations of what needs no resamples
FEW_CASES, FEW_CORRELATIONS, FEW_SHARES = (3, 5, 9), (0.5, 0.9, 1.0), (0.6, 0.8, 0.95)
BAND = (0.93, 0.97)
SHOWN = ("accuracy", "balanced_accuracy", "mcc", "sensitivity", "specificity", "precision", "f1", "auc")  # auc last
OF_CLASS = {"sensitivity", "specificity", "precision", "f1", "auc"}
Outcomes = dict[tuple[str, str], list[bool]]
Drawn = tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.str_], np.random.Generator]  # labels, scores, cases
Limits = Iterator[tuple[str, str, float, float]]  # figure, method and limits; NaN where a method gives none


def as_probabilities(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return [N, 2] probabilities; a score above 0 is called the second class."""
    return np.column_stack([expit(-scores), expit(scores)])


def figures(metrics: dict[str, NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return [..., M] the shown figures, those of a class for the second."""
    return np.stack([metrics[name][..., 1] if name in OF_CLASS else metrics[name] for name in SHOWN], axis=-1)


def simulate(scenario: Scenario, simulations: int, intervals: Callable[..., Limits]) -> Outcomes:
    """Return for each (figure, method) whether the interval held the truth, one entry per simulation.

    `intervals` takes what Drawn holds. Limits that are not there have not held the truth.
    """
    outcomes: Outcomes = defaultdict(list)
    for number in track(range(simulations), scenario.name):
        generator = named_generator(number, "coverage", scenario.name)
        labels, cases = scenario.draw(generator)
        truth = scenario.truth(labels)
        drawn: Drawn = (labels, scenario.scores(labels, cases, generator), cases, generator)
        for figure, method, low, high in intervals(*drawn):
            outcomes[figure, method].append(bool(low <= truth[figure] <= high))
    return outcomes


def resampled(
    labels: NDArray[np.int64], scores: NDArray[np.float64], cases: NDArray[np.str_], generator: np.random.Generator
) -> Limits:
    """Yield the limits that come from resamples."""
    probabilities = as_probabilities(scores)
    samples = figures(compute_metrics(labels, probabilities, bootstrap_weights(cases, labels, RESAMPLES, generator)))
    skew = acceleration(figures(jackknife_metrics(labels, probabilities, cases)), case_strata(cases, labels)[1])
    points = figures(point_metrics(labels, probabilities))
    limits = {
        "percentile": percentile_interval(samples, CONFIDENCE),
        "BCa": bca_interval(points, samples, skew, CONFIDENCE)[:2],
    }
    if np.unique(cases).size < cases.size:
        images = np.arange(labels.size).astype(str)
        weights = bootstrap_weights(images, labels, RESAMPLES, generator)
        limits["by image"] = percentile_interval(figures(compute_metrics(labels, probabilities, weights)), CONFIDENCE)
    yield from reported(labels, probabilities, cases)
    for method, (low, high) in limits.items():
        yield from ((name, method, low[k], high[k]) for k, name in enumerate(SHOWN))


def direct(
    labels: NDArray[np.int64], scores: NDArray[np.float64], cases: NDArray[np.str_], _: np.random.Generator
) -> Limits:
    """Yield DeLong's and Wilson's limits, of the probabilities as a report has them."""
    probabilities = as_probabilities(scores)[:, 1]
    yield ("auc", "DeLong, as reported", *auc_interval(labels == 1, probabilities, cases, CONFIDENCE))
    (area,), variance = auc_covariance(labels == 1, scores[None], cases)
    reach = ndtri((1 + CONFIDENCE) / 2) * np.sqrt(variance[0, 0])
    steep = reach / (area * (1 - area)) if 0 < area < 1 else math.nan
    yield "auc", "DeLong, normal quantile", float(expit(logit(area) - steep)), float(expit(logit(area) + steep))
    yield "auc", "DeLong, plain scale", area - reach, area + reach
    right = (scores > 0) == (labels == 1)
    for name, chosen in (("accuracy", labels >= 0), ("sensitivity", labels == 1), ("specificity", labels == 0)):
        wilson = share_entry(right[chosen], cases[chosen], CONFIDENCE)
        yield name, "Wilson", wilson["low"], wilson["high"]


def few_cases(cases: int, correlation: float) -> Iterator[float]:
    """Yield for each of FEW_SHARES how often Wilson's interval holds a share that rests on this number of cases."""
    only = Scenario(f"{cases} cases, correlation {correlation}", (cases, 0), 0.0, correlation)
    held = np.zeros((DIRECT, len(FEW_SHARES)), dtype=bool)
    for number in range(DIRECT):
        generator = named_generator(number, "coverage", only.name)
        labels, ids = only.draw(generator)
        scores = only.scores(labels, ids, generator)
        for k, share in enumerate(FEW_SHARES):
            wilson = share_entry(scores < ndtri(share), ids, CONFIDENCE)
            held[number, k] = wilson["low"] <= share <= wilson["high"]
    yield from held.mean(axis=0)


def reported(labels: NDArray[np.int64], probabilities: NDArray[np.float64], cases: NDArray[np.str_]) -> Limits:
    """Yield limits as an evaluation prints them; those of the AUC are DeLong's, see `direct`."""
    table = PredictionsTable.from_arrays(
        ("first", "second"),
        image_ids=np.arange(labels.size).astype(str),
        labels=np.array(["first", "second"])[labels],
        probabilities=probabilities,
        case_id=cases,
    )
    found = metric_intervals(table, Resampling(RESAMPLES, CONFIDENCE, seed=1))
    for name in SHOWN[:-1]:
        entry = found["per_class"]["second"][name] if name in OF_CLASS else found["overall"][name]
        low, high = (math.nan if entry[side] is None else entry[side] for side in ("low", "high"))
        yield name, "as reported", low, high


def simulate_pair(second_auc: float, simulations: int, drawn: int | None) -> tuple[Outcomes, Outcomes]:
    """Return whether the interval of the difference held the truth, and whether p was below 0.05.

    `drawn` is the number of resamples; None for DeLong's limits, which need none.
    """
    first_model = PAIRED
    other = Scenario(first_model.name, first_model.cases, shift_of(second_auc), first_model.correlation)
    held: Outcomes = defaultdict(list)
    rejected: Outcomes = defaultdict(list)
    for number in track(range(simulations), f"{first_model.name} against {second_auc}"):
        generator = named_generator(number, "coverage of a difference", second_auc)
        labels, cases = first_model.draw(generator)
        first = first_model.scores(labels, cases, generator)
        # half of what the second model sees is what the first sees: their scores correlate
        fresh = first_model.scores(labels, cases, generator)
        noise = (first + fresh - first_model.shift * (2 * labels - 1)) / np.sqrt(2)
        second = other.shift * (labels - 0.5) + noise
        truths = [model.truth(labels) for model in (first_model, other)]
        truth = {name: truths[1][name] - truths[0][name] for name in SHOWN}
        if drawn is None:
            found = auc_difference(labels == 1, first, second, cases, CONFIDENCE)
            held["auc", "DeLong"].append(found.low <= truth["auc"] <= found.high)
            rejected["auc", "DeLong"].append(found.p_value < 1 - CONFIDENCE)
            continue
        weights = bootstrap_weights(cases, labels, drawn, generator)
        samples = [figures(compute_metrics(labels, as_probabilities(score), weights)) for score in (first, second)]
        low, high = percentile_interval(samples[1] - samples[0], CONFIDENCE)
        p_values = two_sided_p_value(samples[1] - samples[0], CONFIDENCE)
        for k, name in enumerate(SHOWN):
            held[name, "percentile"].append(bool(low[k] <= truth[name] <= high[k]))
            rejected[name, "percentile"].append(bool(p_values[k] < 1 - CONFIDENCE))
    return held, rejected


def cell(rate: float, *, is_coverage: bool = True) -> str:
    """Return a per cent, in bold outside the band."""
    text = f"{100 * rate:.1f}"
    return f"**{text}**" if is_coverage and not BAND[0] <= rate <= BAND[1] else text


def table(outcomes: Outcomes, *, is_coverage: bool = True) -> list[str]:
    """Return lines of Markdown: a row per method, a column per figure and the number of simulations."""
    lines = [f"| method | {' | '.join(SHOWN)} | simulations |", "|---|" + "---|" * (len(SHOWN) + 1)]
    for method in dict.fromkeys(method for _, method in outcomes):
        own = {name: outcomes[name, method] for name in SHOWN if (name, method) in outcomes}
        cells = [cell(float(np.mean(own[name])), is_coverage=is_coverage) if name in own else "" for name in SHOWN]
        lines.append(f"| {method} | {' | '.join(cells)} | {len(next(iter(own.values()))):,} |")
    return lines


def sections(simulations: int) -> Iterator[str]:
    """Run one design after the other and yield its part of the page."""
    errors = {number: 100 * np.sqrt(CONFIDENCE * (1 - CONFIDENCE) / number) for number in (DIRECT, simulations)}
    yield from (
        "# Coverage of the intervals",
        "",
        f"Written by `python benchmarks/interval_coverage.py --simulations {simulations}`. Numbers are the per cent of",
        f"95% intervals that hold the truth; those outside {100 * BAND[0]:.0f} to {100 * BAND[1]:.0f} are bold. One",
        f"standard error is {errors[DIRECT]:.1f} where {DIRECT:,} tables were simulated (limits without resamples) and",
        f"{errors[simulations]:.1f} where {simulations:,} were (limits from {RESAMPLES:,} resamples each): what lies",
        "within two of these of a bound can lie on either side of it by chance. Figures of a class are those of the",
        "second. A method that gives no interval has not held the truth. The AUC as reported is in DeLong's first row.",
    )
    for scenario in SCENARIOS:
        outcomes = simulate(scenario, simulations, resampled) | simulate(scenario, DIRECT, direct)
        yield from ("", f"## {scenario.name}", "", *table(outcomes))
    yield from ("", "## A share of few cases: Wilson's limits, as reported", "")
    yield f"Cases of 1-{LARGEST_CASE} images; {DIRECT:,} simulations."
    yield from ("", f"| cases, correlation | {' | '.join(f'true share {share}' for share in FEW_SHARES)} |")
    yield "|---|" + "---|" * len(FEW_SHARES)
    for cases, correlation in product(FEW_CASES, FEW_CORRELATIONS):
        yield f"| {cases}, {correlation} | {' | '.join(map(cell, few_cases(cases, correlation)))} |"
    for auc in SECOND_AUCS:
        runs = (simulate_pair(auc, simulations, RESAMPLES), simulate_pair(auc, DIRECT, None))
        held, rejected = (runs[0][k] | runs[1][k] for k in (0, 1))
        yield from ("", f"## Difference of two models: {PAIRED.name}, against {auc:.2f}", "", "Coverage:", "")
        yield from (*table(held), "", "Per cent of p-values below 0.05:", "", *table(rejected, is_coverage=False))


def main() -> None:
    """Print the page, and write it where asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--simulations", type=int, default=1000, help="of each design with resamples")
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
