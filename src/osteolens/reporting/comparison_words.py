"""What a comparison page says in sentences; the figures in them are those of the comparison record."""

from __future__ import annotations

from typing import Any

from osteolens.data.audit.findings import Finding
from osteolens.domain import MALIGNANT
from osteolens.evaluation.comparison_figure import KIND_WORDS
from osteolens.reporting.comparison_tables import further_figures
from osteolens.reporting.html import count, fixed, percent
from osteolens.reporting.interval_words import NOT_RESAMPLED
from osteolens.reporting.kind_words import MEANING, SEVERITY
from osteolens.reporting.metric_table import difference_cell, metric_text
from osteolens.wording import counted

SHARED_CASES = (
    "Several radiographs often show the same patient's case. When one of them is in train and another is tested, a "
    "network can score by recognising the case instead of reading the disease."
)
HONEST_IS_NOT_ENOUGH = (
    "A split that shares nothing keeps this apart, not what can be had without a picture: the page of each run sets "
    "its accuracy beside that of models that see no pixel."
)
GAP = (
    "Each difference is the easier split less the harder one, of the same recipe trained on each. A case that is in "
    "both test parts counts for both runs at once. The intervals hold the chance of which cases were tested, not that "
    "of training again; and a gap also contains how hard the images of either part are."
)
NO_GAP = "No experiment here was tested on two splits of different kinds, so there is no gap to tell."
NO_HONEST = "No run here is known to be free of shared cases, so none says how a network does on new patients."
NOT_OURS = "They were made by others, or beforehand, on the parts named, and were not worked out again here."
LIMITS = (
    "A difference between two runs is one between two trained networks on these images. It is no difference between "
    "recipes: the same recipe trained again from another seed can differ as clearly, so recipes are compared over "
    "several seeds. Figures on different images, such as a run's and a published one, cannot be tested against each "
    "other."
)


def verdict(run: dict[str, Any]) -> Finding:
    """Return what the leakage of a run means for its figures."""
    overlap, words = run["train_overlap"], ""
    if run["kind"] == "leaking":
        words = _shared(overlap)
    text = f"{run['label']} ({KIND_WORDS[run['kind']]}): {words}{MEANING[run['kind']]}"
    return Finding(SEVERITY[run["kind"]], text)


def honest_sentence(run: dict[str, Any]) -> str:
    """Return the main figures of a run that shares nothing with train."""
    figures = [f"{name} {metric_text(entry)}" for name, entry in _main_figures(run["figures"]).items()]
    return f"{run['label']} ({KIND_WORDS[run['kind']]}): {', '.join(figures)}."


def gap_sentence(gap: dict[str, Any]) -> str:
    """Return what is lost from the easier split to the harder one."""
    parts = []
    for name, entry in _main_figures(gap["figures"]).items():
        if entry["value"] is None:
            parts.append(f"{name} cannot be compared ({entry['reason']})")
            continue
        cell = difference_cell(entry)
        sides = f"{fixed(entry['first'])} against {fixed(entry['second'])}"
        parts.append(f"{name} {sides}, a difference of {cell.text} ({cell.detail})")
    return f"{gap['first']} against {gap['second']}: {'; '.join(parts)}."


def refused_sentence(pair: dict[str, Any]) -> str:
    """Return why two runs were not compared."""
    return f"{pair['first']} and {pair['second']} were not compared: {pair['reason'].removesuffix('.')}."


def correction(record: dict[str, Any]) -> str:
    """Return how the p-values were made and what they are corrected for."""
    most, out_of_reach = max(record["holm"]["comparisons"].values(), default=0), record["holm"]["reason"]
    told = (
        "Differences are the first less the second. p is two-sided: by resampling cases for both runs together, and by "
        "DeLong's test for the AUC of a class. It is corrected by Holm's method for the pairs of runs on this page, "
        f"each figure by itself: {counted(most, 'pair')}. That several figures of a pair are read is not corrected for."
    )
    return told if out_of_reach is None else f"{told} {out_of_reach[0].upper()}{out_of_reach[1:]}."


def method(record: dict[str, Any]) -> str:
    """Return how the figures of the runs were made."""
    return (
        "All figures of runs come from their predictions tables. Intervals are "
        f"{percent(record['confidence'], 0)}, from {count(record['resamples'])} bootstrap resamples of whole cases, "
        f"stratified by class, seed {record['seed']}. {NOT_RESAMPLED} Malignant sensitivity at "
        f"{percent(record['specificity'], 0)} specificity draws the line between malignant and the rest on the tested "
        "images themselves: it compares rankings, and is not what a threshold chosen beforehand would reach. In a gap, "
        "whole cases of both parts are drawn together, stratified by class and by whether a case is in the one part, "
        "in the other, or in both."
    )


def figure_words(record: dict[str, Any]) -> tuple[str, str]:
    """Return caption and alternative text of the forest plot."""
    caption = (
        "Accuracy, macro AUC and malignant sensitivity. Filled: the runs, with intervals. Hollow: published figures, "
        "and figures measured beforehand. Red squares are of splits that leak."
    )
    values = [
        f"{run['label']}: accuracy {metric_text(run['figures']['accuracy'])}, macro AUC "
        f"{metric_text(run['figures']['macro_auc'])}"
        for run in record["runs"]
    ]
    return caption, f"Forest plot. {'; '.join(values)}."


def protocol(system: dict[str, Any]) -> str:
    """Return task, protocol, leakage, further figures and source of a published system."""
    facts = [system["task"], system["protocol"]]
    if system["images"] is not None:
        facts.append(counted(system["images"], "image"))
    if system["chosen_on_reported_part"]:
        facts.append("chosen on the images it is reported on")
    if system["leaks"]:
        shares = ", ".join(f"{percent(share)} of {name}" for name, share in system["leaking_shares"].items())
        facts.append(f"shares cases with its training part ({shares})")
    elif system["leaks"] is False:
        facts.append("shares no case with its training part")
    further = further_figures(system)
    told = "; ".join(facts)
    sentences = [told[0].upper() + told[1:], *([f"Also given: {further}"] if further else [])]
    return f"{'. '.join(sentences)}. Source: {system['reference']}."


def _main_figures(figures: dict[str, Any]) -> dict[str, Any]:
    chosen = {"accuracy": figures["accuracy"], "macro AUC": figures["macro_auc"]}
    if MALIGNANT in figures["sensitivity"]:
        chosen["malignant sensitivity"] = figures["sensitivity"][MALIGNANT]
    return chosen


def _shared(overlap: dict[str, Any]) -> str:
    """Return the share of tumour images with their case in train, or of all images where no tumour has."""
    told, tumours = "", overlap["shared"].get("tumours", {"shared": 0})
    entry, images = (tumours, "tumour images") if tumours["shared"] else (overlap["shared"]["all"], "images")
    if entry["shared"]:
        told = (
            f"{percent(entry['shared_fraction'])} of its {images} ({count(entry['shared'])} of {count(entry['n'])}) "
            "show a case that is also in train. "
        )
    if overlap["copies"]:
        told += f"Of {counted(overlap['copies'], 'image')} a byte-identical file is in train. "
    return told
