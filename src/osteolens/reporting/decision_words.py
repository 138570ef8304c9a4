"""What the figures of ``decisions.json`` mean for a reader, in one or two sentences each."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from osteolens.reporting.evaluation_results import EvaluationResults
from osteolens.reporting.html import fixed, percent
from osteolens.reporting.metric_table import metric_text
from osteolens.wording import counted

_HALF = 0.5  # of the images answered, the example of the sentence on selective risk


def chosen_on(run: EvaluationResults) -> Iterator[str]:
    """Yield on which images everything was chosen and on which it is reported."""
    validation, test = run.decisions["validation"], run.decisions["test"]
    if not run.decisions["fitted"]:
        yield f"Nothing was fitted: {run.decisions['reason']}."
        return
    yield (
        f"Thresholds, temperatures and sets were chosen on the {counted(validation['n'], 'image')} of the "
        f"{validation['split']} part ({counted(validation['cases'], 'case')}) and are reported on the "
        f"{counted(test['n'], 'image')} of the {test['split']} part ({counted(test['cases'], 'case')})."
    )
    if shared := run.decisions["cases_in_both"]:
        yield (
            f"{counted(shared, 'case has', 'cases have')} images in both parts, so the {test['split']} figures may "
            "look better than they would on new cases."
        )
    if told := run.decisions["chosen_on"]:
        yield told
    if run.decisions["probabilities"] == "temperature":
        yield "Operating points, selective risk and decision curves use the probabilities after temperature scaling."


def operating_sentence(question: str, points: dict[str, dict[str, Any]]) -> str:
    """Return what the first operating point, that of high sensitivity, means on the test part."""
    point = points["high_sensitivity"]
    if point["threshold"] is None:
        return f"{question}: no operating point, {point['reason']}."
    seen, kept = point["test"], point["validation"]["sensitivity"]
    return (
        f"{question}: a threshold of {fixed(point['threshold'])} finds a share of {fixed(kept['value'])} on validation "
        f"and {metric_text(seen['sensitivity'])} on test. It clears {metric_text(seen['specificity'])} of the other "
        f"test images; of those it flags, {metric_text(seen['positive_predictive_value'])} are truly positive."
    )


def calibration_sentences(calibration: dict[str, dict[str, Any]]) -> Iterator[str]:
    """Yield how sure the model is, and what the scaling changes."""
    before, scaled = calibration["as_predicted"]["test"]["ece"], calibration["temperature"]
    yield (
        f"Stated probability and share of right answers lie {fixed(before['value'])} apart on average (ECE); a model "
        f"whose probabilities are exactly right would show {fixed(before['by_chance'])} by chance."
    )
    if scaled["scaling"] is None:
        yield f"No temperature was fitted: {scaled['reason']}."
        return
    temperature, after = scaled["scaling"]["temperature"], scaled["test"]["ece"]
    how = "surer than it is right" if temperature > 1 else "less sure than it is right" if temperature < 1 else "right"
    yield (
        f"The temperature fitted on validation is {fixed(temperature, 2)}: there the model is {how}. With it the ECE "
        f"on test is {fixed(after['value'])}, by chance {fixed(after['by_chance'])}."
    )
    yield from (f"{method}: {found['reason']}." for method, found in calibration.items() if found["reason"])


def conformal_sentences(run: EvaluationResults) -> Iterator[str]:
    """Yield what a set is, how large it is and how many classes it holds."""
    conformal = run.decisions["conformal"]
    if conformal["test"] is None:
        yield f"No sets were made: {conformal['reason']}."
        return
    tested = conformal["test"]
    yield (
        "A set names every class that cannot be ruled out for an image, and is made to hold the true class for "
        f"{percent(conformal['level'], 0)} of new cases of each class. It holds it for a share of "
        f"{metric_text(tested['coverage'])} of the test images. On average it names {fixed(tested['mean_size'], 2)} of "
        f"{len(run.class_names)} classes; the fewer, the more it says."
    )
    sizes = [f"{percent(share)} name {size}" for size, share in tested["sizes"].items() if share]
    yield f"Number of classes: {', '.join(sizes)}."
    if conformal["reason"]:
        yield f"{conformal['reason'][0].upper()}{conformal['reason'][1:]}."


def selective_sentence(selective: dict[str, Any]) -> str:
    """Return how the error falls when the less certain half is withheld."""
    curve = selective["curve"]
    place = next(index for index, coverage in enumerate(curve["coverage"]) if coverage >= _HALF)
    answered, risk = curve["coverage"][place], curve["risk"][place]
    return (
        f"Answering every image, the model errs on {percent(curve['risk'][-1])}; answering only the "
        f"{percent(answered, 0)} of which it is surest, on {percent(risk)} of those. AURC is the mean error over all "
        "shares answered, AUGRC the mean share of images answered wrongly."
    )


def curve_sentence(question: str, curve: dict[str, Any]) -> str:
    """Return from which threshold to which the model is worth more than acting on all or on none."""
    if curve["reason"]:
        return f"{question}: {curve['reason']}."
    is_better = [
        low > max(all_treated, curve["treat_none"])
        for low, all_treated in zip(curve["low"], curve["treat_all"], strict=True)
    ]
    if not any(is_better):
        return f"{question}: at no threshold is the lower limit of the net benefit above acting on all and on none."
    runs = [list(run) for better, run in groupby(range(len(is_better)), is_better.__getitem__) if better]
    longest = max(runs, key=len)
    first, last = (percent(curve["thresholds"][place], 0) for place in (longest[0], longest[-1]))
    return (
        f"{question}: for those who would act from a probability of {first} to {last}, following the model is worth "
        "more than acting on all or on none, also at the lower limit of its interval."
    )


def shift_sentences(shift: dict[str, Any]) -> Iterator[str]:
    """Yield what the estimate of the class shares is for."""
    yield (
        "In another clinic the classes are more or less common. Their shares can be estimated from the model's "
        "answers without labels, and the probabilities corrected; here the true shares are known, which shows how far "
        "the estimate can be trusted."
    )
    if shift["shares"] is None:
        yield f"It could not be made: {shift['reason']}."
        return
    yield f"The estimate took {counted(shift['steps'], 'step')} and uses vector scaling."
    if shift["reason"]:
        yield f"{shift['reason'][0].upper()}{shift['reason'][1:]}."


def sizes_of(selective: dict[str, Any]) -> str:
    """Return the areas in words, for a reader who cannot see the curve."""
    return ", ".join(f"{key.upper()} {metric_text(selective[key])}" for key in ("aurc", "augrc"))


def coverages(run: EvaluationResults) -> str:
    """Return the coverage of each class in words."""
    per_class = run.decisions["conformal"]["test"]["per_class"]
    return ", ".join(f"{name} {metric_text(found['coverage'])}" for name, found in per_class.items())


def prevalences(curves: dict[str, dict[str, Any]]) -> str:
    """Return the share of yes in each question, and the thresholds of its curve."""
    return ", ".join(
        f"{name}: share of yes {percent(curve['prevalence'])}, thresholds {percent(curve['thresholds'][0], 0)} to "
        f"{percent(curve['thresholds'][-1], 0)}"
        for name, curve in curves.items()
    )
