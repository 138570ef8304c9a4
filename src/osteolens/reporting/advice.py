"""What the figures of a run advise: rules, each of which reads result files and says what follows and from what."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from osteolens.domain import MALIGNANT
from osteolens.evaluation.conclusion import advantage_verdict, best_blind, given
from osteolens.reporting.html import count, fixed, percent
from osteolens.reporting.metric_table import difference_text, metric_text
from osteolens.reporting.run_results import RunResults
from osteolens.wording import counted

NOTABLE_LOSS = 0.05  # of balanced accuracy under a corruption, at the lower limit
WIDE = 0.2  # interval of a sensitivity: the cases are too few to plan with


@dataclass(frozen=True, slots=True)
class Advice:
    """What to do, and the finding that it follows from."""

    step: str
    finding: str


def advice_on(run: RunResults) -> list[Advice]:
    """Return what the figures of one run advise, the gravest first."""
    found = [rule(run) for rule in _RULES]
    return [advice for advice in found if advice is not None]


def _leakage(run: RunResults) -> Advice | None:
    if run.leaks:
        step = "Do not quote these figures for new patients: train and test on a split by case (scheme case)."
        return Advice(step, str(run.leakage["sentence"]))
    if run.kind == "unknown":
        step = "Name the column of patients (data.columns, case_id), then split by case."
        return Advice(step, "It is not known which images belong to one patient, so shared patients go unseen.")
    return None


def _origins(run: RunResults) -> Advice | None:
    origins = run.honesty["origins"]
    step = "Test on hospitals held out of training (scheme center or source) before saying anything of other hospitals."
    if not origins["possible"]:
        return Advice(step, f"Whether training has seen the sources is not known: {origins['reason']}.")
    if origins["unseen_n"]:
        return None
    return Advice(
        step, f"All {count(origins['n'])} images with a known {origins['column']} come from one that training has seen."
    )


def _blind(run: RunResults) -> Advice | None:
    key = best_blind(run.honesty["blind"])
    if key is None:
        return Advice(
            "Give metadata and manifest to the evaluation, so that models without pixels can be scored.",
            "It is not known what the metadata alone would reach.",
        )
    best = run.honesty["blind"][key]
    if advantage_verdict(best) in {"better", "unknown"}:
        return None
    return Advice(
        "Do not read accuracy as recognition of lesions. Balance the sources in training (training.sampling "
        "class_source), take differences between them away (data.equalise_resolution, data.clean_background), and "
        "compare again.",
        f"A model that sees no pixel and is given {given(best)} reaches an accuracy of "
        f"{metric_text(best['scores']['accuracy'])}; the network's minus that is "
        f"{difference_text(best['advantage']['accuracy'])}.",
    )


def _within_sources(run: RunResults) -> Advice | None:
    within = run.honesty["within_sources"]
    if not within["possible"] or within["pooled"]["value"] is None:
        return None
    pooled, overall = within["pooled"], within["overall"]
    finding = (
        f"Malignant against benign, the AUC is {metric_text(overall)} over all tumours and {metric_text(pooled)} "
        "within a source."
    )
    if pooled["low"] is not None and pooled["low"] <= 0.5:
        step = "Do not claim that malignant and benign tumours are told apart: within a source this is not shown."
        return Advice(step, finding)
    if pooled["value"] >= overall["value"]:
        return None
    step = "Quote malignant against benign within sources, and collect tumours of both kinds from each source."
    return Advice(step, finding)


def _malignant_sensitivity(run: RunResults) -> dict[str, Any] | None:
    """Return that of the most probable class, None without the class."""
    entry: dict[str, Any] | None = run.summary["per_class"].get(MALIGNANT, {}).get("sensitivity")
    return entry


def _missed_malignant(run: RunResults) -> Advice | None:
    point = _high_sensitivity(run)
    answered = _malignant_sensitivity(run)
    if point is None or answered is None or answered["value"] is None:
        return None
    tested = point["test"]["sensitivity"]
    if tested["value"] is None or tested["value"] <= answered["value"]:
        return None
    return Advice(
        "Where a missed malignant tumour is worse than a false alarm, use the threshold of high sensitivity, not the "
        "most probable class.",
        f"The most probable class finds a share of {metric_text(answered)} of the {MALIGNANT} images, the threshold "
        f"{metric_text(tested)} at a specificity of {metric_text(point['test']['specificity'])}.",
    )


def _aim_not_kept(run: RunResults) -> Advice | None:
    point = _high_sensitivity(run)
    if point is None:
        return None
    tested, aim = point["test"]["sensitivity"], point["aim"]["sensitivity"]
    if tested["value"] is None or tested["value"] >= aim:
        return None
    return Advice(
        "Choose the threshold on more malignant cases, and expect it to keep less than its aim elsewhere.",
        f"The threshold chosen for a sensitivity of at least {percent(aim, 0)} on validation gives "
        f"{metric_text(tested)} on the {run.part} part.",
    )


def _few_malignant(run: RunResults) -> Advice | None:
    entry = _malignant_sensitivity(run)
    if entry is None or entry["low"] is None or entry["high"] - entry["low"] <= WIDE:
        return None
    return Advice(
        "Test on more malignant cases: collect them, or use every fold of a cross-validation by case (scheme "
        "case-kfold).",
        f"The sensitivity to {MALIGNANT}, {metric_text(entry)}, rests on "
        f"{counted(run.summary['per_class_n'][MALIGNANT], 'image')}: its interval is wide.",
    )


def _calibration(run: RunResults) -> Advice | None:
    raw, scaled = (run.decisions["calibration"][name]["test"] for name in ("as_predicted", "temperature"))
    if scaled is None or scaled["nll"]["value"] >= raw["nll"]["value"]:
        return None
    return Advice(
        "Use probabilities only after temperature scaling, and fit it anew for another hospital.",
        f"As predicted the calibration error is {fixed(raw['ece']['value'])}, where chance alone gives "
        f"{fixed(raw['ece']['by_chance'])}; after temperature scaling it is {fixed(scaled['ece']['value'])}.",
    )


def _coverage(run: RunResults) -> Advice | None:
    conformal = run.decisions["conformal"]
    if conformal["test"] is None:
        return None
    level, classes = conformal["level"], conformal["test"]["per_class"]
    short = {name: entry["coverage"] for name, entry in classes.items() if _below(entry["coverage"], level)}
    if not short:
        return None
    told = ", ".join(f"{name} {metric_text(entry)}" for name, entry in short.items())
    return Advice(
        "Do not rely on the coverage that the prediction sets promise: validation and test differ too much.",
        f"Sets made for a coverage of {percent(level, 0)} hold the true class less often: {told}.",
    )


def _maps(run: RunResults) -> Advice | None:
    if run.maps is None or not run.maps.report["n"]:
        return None
    found, prior = (run.maps.report[name]["pointing_game"] for name in ("overall", "centre_prior"))
    if found["low"] is None or prior["value"] is None or found["low"] > prior["value"]:
        return None
    return Advice(
        "Do not show the maps as evidence of where a lesion is.",
        f"The strongest point of a map lies in the lesion in a share of {metric_text(found)} of the "
        f"images, a spot in the middle of every image in {metric_text(prior)}.",
    )


def _worst_group(run: RunResults) -> Advice | None:
    worst = run.honesty["subgroups"]["worst"]["accuracy"]
    if worst is None or not _below(worst, run.summary["overall"]["accuracy"]["value"]):
        return None
    return Advice(
        f"Look at the wrong answers in {worst['grouping']} {worst['group']} one by one.",
        f"Accuracy is lowest there: {metric_text(worst)} on {counted(worst['n'], 'image')}, against "
        f"{metric_text(run.summary['overall']['accuracy'])} on all. Groups differ in their classes, and the lowest of "
        f"{count(worst['compared'])} groups is low by chance too.",
    )


def _corruptions(run: RunResults) -> Advice | None:
    if run.robustness is None:
        return None
    record = run.robustness
    points = [(name, point) for name, curve in record["curves"].items() for point in curve]
    losses = [(point["loss"]["balanced_accuracy"], name, point["strength"]) for name, point in points]
    notable = [found for found in losses if found[0]["low"] is not None and found[0]["low"] >= NOTABLE_LOSS]
    if not notable:
        return None
    loss, name, strength = max(notable, key=lambda found: found[0]["value"])
    corruption = record["corruptions"][name]
    how = "" if corruption["one_step"] else f" (strength {strength:g})"
    return Advice(
        "Check pictures for such faults before use, or train with them.",
        f"The costliest corruption that was tried, {corruption['title']}{how}, costs {difference_text(loss)} of "
        "balanced accuracy.",
    )


def _seed(run: RunResults) -> Advice | None:
    return Advice(
        "Repeat with further seeds (--override seed=NUMBER) and report the spread.",
        f"The network was trained once, with seed {run.config.seed}; no interval here holds the chance of training.",
    )


def _high_sensitivity(run: RunResults) -> dict[str, Any] | None:
    """Return the operating point for malignant images with a threshold, None where there is none."""
    asked = run.decisions["operating_points"]["questions"] or {}
    point: dict[str, Any] | None = asked.get(f"{MALIGNANT} against the rest", {}).get("high_sensitivity")
    return point if point is not None and point["threshold"] is not None else None


def _below(entry: dict[str, Any], limit: float | None) -> bool:
    """Tell whether the whole interval of a figure lies below a limit."""
    return limit is not None and entry["high"] is not None and bool(entry["high"] < limit)


_RULES: tuple[Callable[[RunResults], Advice | None], ...] = (
    _leakage,
    _origins,
    _blind,
    _within_sources,
    _missed_malignant,
    _aim_not_kept,
    _few_malignant,
    _coverage,
    _calibration,
    _maps,
    _worst_group,
    _corruptions,
    _seed,
)
