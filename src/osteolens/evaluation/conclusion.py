"""The honesty panel in plain words. Every number in them is taken from the panel."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from osteolens.domain import MALIGNANT
from osteolens.evaluation.blind import INPUT_WORDS
from osteolens.evaluation.siblings import NO_MANIFEST
from osteolens.wording import counted

Verdict = Literal["better", "worse", "no_difference", "unknown"]

GIVEN_AWAY = 0.5  # difference between two classes in the share of images that have a value at all

_MODELS = {
    "demographics": "demographics and projection",
    "demographics_and_site": "demographics, projection and site",
    "image_header": "the file header",
    "source": "the source",
}

_NOTHING_OF_TRAIN = (
    f"{NO_MANIFEST.capitalize()}: neither whether it has seen the sources or the cases of these images, nor how much "
    "of these figures the metadata alone would reach."
)


def conclude(panel: dict[str, Any]) -> list[str]:
    """Return the sentences on what may and what may not be concluded, the panel's caveats first.

    Parameters
    ----------
    panel
        What :func:`osteolens.evaluation.honesty.honesty_panel` returns, without its conclusion.
    """
    untold = _knows_nothing_of_train(panel)
    sections = (
        panel["caveats"],
        _scores(panel),
        [_NOTHING_OF_TRAIN] if untold else _of_train(panel),
        _copies(panel["leakage"], panel["split"]),
        () if untold else _blind(panel["blind"]),
        _within_sources(panel["within_sources"]),
        _worst(panel["subgroups"]),
    )
    sentences = [sentence for section in sections for sentence in section]
    return [*sentences, "None of these figures supports use on patients."]


def _knows_nothing_of_train(panel: dict[str, Any]) -> bool:
    sections = (panel["origins"], panel["siblings"], *panel["blind"].values())
    return all(section.get("reason") == NO_MANIFEST for section in sections)


def _of_train(panel: dict[str, Any]) -> Iterator[str]:
    yield from _origins(panel["origins"])
    yield from _siblings(panel["siblings"], panel["scores"]["n"])


def advantage_verdict(blind_model: dict[str, Any]) -> Verdict:
    """Say how the network's accuracy stands beside that of a model without pixels.

    Parameters
    ----------
    blind_model
        One value of the panel's ``blind``.

    Returns
    -------
    str
        ``better`` or ``worse`` where the interval of the difference leaves out 0, ``no_difference`` where it does not,
        ``unknown`` where there is none.
    """
    if not blind_model["possible"] or (advantage := blind_model["advantage"]["accuracy"])["low"] is None:
        return "unknown"
    if advantage["low"] > 0:
        return "better"
    return "worse" if advantage["high"] < 0 else "no_difference"


def best_blind(blind: dict[str, dict[str, Any]]) -> str | None:
    """Return the name of the model without pixels that has the highest accuracy, None where none could be scored.

    Parameters
    ----------
    blind
        The panel's section of this name.
    """
    possible = {name: model for name, model in blind.items() if model["inputs"] and model["possible"]}
    return max(possible, key=lambda name: possible[name]["scores"]["accuracy"]["value"], default=None)


def given(model: dict[str, Any]) -> str:
    """Return in words what a model without pixels is told of an image.

    Parameters
    ----------
    model
        One value of the panel's ``blind``.
    """
    words = [INPUT_WORDS.get(name, name) for name in model["inputs"]]
    return f"the {words[0]}" if len(words) == 1 else _listed(words)


def _scores(panel: dict[str, Any]) -> Iterator[str]:
    scores = panel["scores"]
    yield (
        f"On the {counted(scores['n'], 'image')} of the {panel['split']} part ({counted(scores['cases'], 'case')}) "
        f"the model reaches an accuracy of {_figure(scores['accuracy'])} and a macro AUC "
        f"{_of_figure(scores['macro_auc'])}; in brackets stand {_percent(panel['confidence'])} intervals by case."
    )
    if malignant := scores["per_class_n"].get(MALIGNANT):
        yield (
            f"It finds a share of {_figure(scores['sensitivity'][MALIGNANT])} of the "
            f"{counted(malignant, f'{MALIGNANT} image')}."
        )


def _origins(origins: dict[str, Any]) -> Iterator[str]:
    if not origins["possible"]:
        yield f"Whether it has seen the sources of these images is not known: {origins['reason']}."
    elif origins["unseen_n"] == 0:
        yield (
            f"Every image with a known {origins['column']} ({origins['n']:,}) is of a {origins['column']} that the "
            "train part has, so this does not tell how the model does elsewhere, nor do the figures by source."
        )
    elif origins["unseen_n"] == origins["n"]:
        yield (
            f"Every image with a known {origins['column']} ({origins['n']:,}) is of a {origins['column']} that the "
            "train part does not have: these figures tell how the model does elsewhere."
        )
    else:
        yield (
            f"Of the {origins['n']:,} with a known {origins['column']}, {origins['unseen_n']:,} come from one that the "
            "train part does not have; only their figures tell how the model does elsewhere."
        )


def _siblings(siblings: dict[str, Any], images: int) -> Iterator[str]:
    if not siblings["possible"]:
        yield f"Whether the same cases are in the train part is not known: {siblings['reason']}."
        return
    if not siblings["cases_known"]:
        yield "Every image counts as a case of its own, so other images of the same patient in train would go unseen."
        return
    seen, new = siblings["with_sibling"], siblings["without_sibling"]
    if seen["n"] == 0:
        yield "None of the images has another image of the same case in the train part: the figures are of new cases."
        return
    share = f"{seen['n']:,} of {counted(images, 'image')} ({_percent(seen['n'] / images)})"
    if new["n"] == 0:
        yield f"{share} have another image of their case in the train part: nothing here tells of new patients."
        return
    yield (
        f"{share} have another image of their case in the train part; on the {new['n']:,} that have none the accuracy "
        f"is {_figure(new['accuracy'])}, and only that tells of new patients."
    )
    difference = siblings["difference"]["balanced_accuracy"]
    if difference["low"] is not None:
        yield (
            f"Balanced accuracy with such a sibling minus without is {_signed(difference)}; the two sets differ in "
            "their sources too, so this is not the effect of siblings alone."
        )


def _copies(leakage: dict[str, Any], split: str) -> Iterator[str]:
    counts = leakage["evaluation"][split]["overall"] if leakage["possible"] else {}
    for kind, what in (("duplicated", "byte-identical to"), ("near_duplicated", "alike at sight to")):
        if counts.get(kind):
            yield f"{counted(counts[kind], 'image is', 'images are')} {what} a train image."


def _blind(blind: dict[str, dict[str, Any]]) -> Iterator[str]:
    seeing = {name: model for name, model in blind.items() if model["inputs"]}
    possible = {name: model for name, model in seeing.items() if model["possible"]}
    if (best := best_blind(blind)) is None:
        yield (
            "No model without pixels could be scored, so it is not known how much of these figures the metadata alone "
            f"would reach: {next(iter(seeing.values()))['reason']}."
        )
        return
    yield from _best_blind(possible[best], blind["class_shares"])
    if others := [
        f"{_MODELS[name]} {_figure(model['scores']['accuracy'])}" for name, model in possible.items() if name != best
    ]:
        yield f"Accuracy of the others without pixels: {', '.join(others)}."
    for value, label in possible.get("source", {"single_class": {"source": {}}})["single_class"]["source"].items():
        yield f"In train, the source {value} holds {label} images only."
    if refused := [f"{_MODELS[name]} ({model['reason']})" for name, model in seeing.items() if not model["possible"]]:
        yield f"Not possible: {'; '.join(refused)}."


def _best_blind(model: dict[str, Any], commonest: dict[str, Any]) -> Iterator[str]:
    scores = model["scores"]
    yield (
        f"The best of the models that see no pixels is given {given(model)}; it reaches an accuracy "
        f"of {_figure(scores['accuracy'])} and a macro AUC {_of_figure(scores['macro_auc'])}; one that always "
        f"names the commonest class of the train part {_figure(commonest['scores']['accuracy'])}."
    )
    yield _advantage(model)
    for name, shares in model["filled"].items():
        if max(shares.values()) - min(shares.values()) >= GIVEN_AWAY:
            filled = _listed([f"{_percent(share)} of {label}" for label, share in shares.items()])
            yield f"The {INPUT_WORDS.get(name, name)} is filled in for {filled} images, which gives the class away."


def _advantage(model: dict[str, Any]) -> str:
    advantage, verdict = model["advantage"]["accuracy"], advantage_verdict(model)
    if verdict == "unknown":
        return f"How the model compares with it cannot be told: {advantage['reason']}."
    if verdict == "better":
        return f"The model's accuracy exceeds that by {_signed(advantage)}: it does not come from these alone."
    clear = ", no clear difference" if verdict == "no_difference" else ""
    return (
        f"The model's accuracy minus that is {_signed(advantage)}{clear}: an accuracy like this can be had without "
        "seeing a lesion, so by itself it does not show that lesions are recognised."
    )


def _within_sources(within: dict[str, Any]) -> Iterator[str]:
    if not within["possible"]:
        yield f"Malignant against benign within a source cannot be told: {within['reason']}."
        return
    pooled, alone = within["pooled"], within["source_alone"]
    if pooled["value"] is None:
        yield f"Malignant against benign within a source cannot be told: {pooled['reason']}."
        return
    yield (
        f"Malignant against benign, the AUC is {_figure(within['overall'])} over all tumours and {_figure(pooled)} "
        f"within a source{_alone(alone, within['unseen_n'])}."
    )
    if pooled["low"] is not None and pooled["low"] <= 0.5:
        yield "Within a source the model is not shown to tell malignant from benign better than chance."
    elif alone.get("low") is not None and alone["low"] > 0.5:
        yield "Since the source tells part of it, the figure within a source is the one to quote."


def _alone(alone: dict[str, Any], unseen: int | None) -> str:
    """Return what the source alone gives, where the train part is known."""
    if alone["reason"] == NO_MANIFEST:
        return ""
    if alone.get("value") is None:
        return f"; what knowing the source gives cannot be told: {alone['reason']}"
    partly = f" (train has no tumour of the source of {unseen:,} of them, which count as average)" if unseen else ""
    return f"; knowing nothing but the source gives {_figure(alone)} over all tumours{partly}"


def _worst(subgroups: dict[str, Any]) -> Iterator[str]:
    worst = subgroups["worst"]["accuracy"]
    if worst is None:
        yield f"Fewer than two subgroups have the {subgroups['fewest_ranked']} images that it takes to be ranked."
        return
    yield (
        f"Of the {counted(worst['compared'], 'subgroup')} of at least {subgroups['fewest_ranked']} images, accuracy is "
        f"lowest in {_group(worst)}: {_figure(worst)}."
    )
    if (auc := subgroups["worst"]["macro_auc"]) is not None:
        yield (
            f"Of the {auc['compared']} that have at least {subgroups['fewest_cases']} cases of every class, macro AUC "
            f"is lowest in {_group(auc)}: {_figure(auc)}."
        )
    else:
        yield (
            f"Fewer than two have {subgroups['fewest_cases']} cases of every class, so none is the lowest in macro AUC."
        )
    yield "Groups differ in their classes, and the lowest of many is low by chance too."


def _group(worst: dict[str, Any]) -> str:
    sizes = f"{counted(worst['n'], 'image')} of {counted(worst['cases'], 'case')}"
    return f"{worst['grouping']} {worst['group']} ({sizes})"


def _of_figure(entry: dict[str, Any]) -> str:
    """Return "of" a figure, or why it is undefined, in a form that no reader takes for an interval."""
    return f"that is not defined, since: {entry['reason']}" if entry["value"] is None else f"of {_figure(entry)}"


def _figure(entry: dict[str, Any]) -> str:
    limits = f" ({entry['low']:.3f} to {entry['high']:.3f})" if entry["low"] is not None else ""
    return f"{entry['value']:.3f}{limits}"


def _signed(entry: dict[str, Any]) -> str:
    return f"{entry['value']:+.3f} ({entry['low']:+.3f} to {entry['high']:+.3f})"


def _percent(share: float) -> str:
    return f"{100 * share:.1f}%".replace(".0%", "%")


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
