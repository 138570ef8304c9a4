"""The chapter that comes first: what could make the figures of a run, or of anybody's model, better than it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from osteolens.domain import MALIGNANT
from osteolens.evaluation.blind import INPUT_WORDS
from osteolens.evaluation.conclusion import best_blind, given
from osteolens.evaluation.figures import svg_bytes
from osteolens.evaluation.honesty_figures import BLIND_NAMES, blind_figure
from osteolens.reporting import honesty_tables, run_tables, run_words
from osteolens.reporting.chapters import Block, Card, Section
from osteolens.reporting.dataset_words import POOLED_NORMALS
from osteolens.reporting.evaluation_results import EvaluationResults
from osteolens.reporting.html import EmbeddedFigure, count, fixed, percent
from osteolens.reporting.metric_table import interval_text, metric_text


def honesty_chapter(run: EvaluationResults) -> Section:
    """Return main numbers, conclusion, then leakage, siblings, blind models, sources and the worst subgroups."""
    blocks = (
        Block("cards", _cards(run)),
        Block("findings", run_words.verdicts([run])),
    )
    sections = (_conclusion(run), shared_cases(run), blind_models(run), within_sources(run), worst_subgroups(run))
    return Section("trust", "Can these figures be trusted?", blocks, sections)


def _conclusion(run: EvaluationResults) -> Section:
    sentences = run.honesty["conclusion_sentences"][len(run.honesty["caveats"]) :]  # the caveats head the page
    return Section("conclusion", "What may be concluded", (Block("list", sentences),))


def _cards(run: EvaluationResults) -> list[Card]:
    return [card for card in (_accuracy(run), _without_pixels(run), _found(run), _siblings(run), _within(run)) if card]


def _accuracy(run: EvaluationResults) -> Card:
    accuracy = run.honesty["scores"]["accuracy"]
    return Card(fixed(accuracy["value"]), "accuracy of the model", interval_text(accuracy))


def _without_pixels(run: EvaluationResults) -> Card | None:
    best = best_blind(run.honesty["blind"])
    if best is None:
        return None
    accuracy = run.honesty["blind"][best]["scores"]["accuracy"]
    detail = f"{interval_text(accuracy)}, given {given(run.honesty['blind'][best])}"
    return Card(fixed(accuracy["value"]), "accuracy of a model that sees no pixel", detail)


def _found(run: EvaluationResults) -> Card | None:
    if MALIGNANT not in run.class_names:
        return None
    place = run.class_names.index(MALIGNANT)
    row, sensitivity = run.summary["confusion_matrix"][place], run.summary["per_class"][MALIGNANT]["sensitivity"]
    if not sum(row):
        return None
    label = f"{MALIGNANT} images answered as {MALIGNANT}"
    return Card(f"{count(row[place])} of {count(sum(row))}", label, metric_text(sensitivity))


def _siblings(run: EvaluationResults) -> Card | None:
    if not run.knows_train:
        return None
    leakage = run.evaluated_leakage
    counted, kind = (leakage["tumours"], "tumour") if "tumours" in leakage else (leakage["overall"], "evaluated")
    if not counted["n"]:
        counted, kind = leakage["overall"], "evaluated"
    detail = f"{count(counted['shared'])} of {count(counted['n'])}"
    return Card(percent(counted["shared"] / counted["n"]), f"of {kind} images share a case with train", detail)


def _within(run: EvaluationResults) -> Card | None:
    within = run.honesty["within_sources"]
    if not within["possible"] or within["pooled"]["value"] is None:
        return None
    label = "AUC malignant against benign within a source"
    return Card(fixed(within["pooled"]["value"]), label, interval_text(within["pooled"]))


def shared_cases(run: EvaluationResults) -> Section:
    """Return the leakage of the split, and the scores with and without a sibling in train."""
    siblings = run.honesty["siblings"]
    blocks = [Block("metrics", run_tables.leakage_table([run]))] if run.knows_train else []
    if run.knows_train and run_words.pooled_normals([run]):
        blocks.append(Block("text", POOLED_NORMALS))
    if not siblings["possible"]:
        blocks.append(Block("text", f"Scores with and without a sibling cannot be told: {siblings['reason']}."))
    elif not siblings["with_sibling"]["n"]:
        blocks.append(Block("text", "No evaluated image has a sibling in train, so every figure is of new cases."))
    else:
        blocks.append(Block("metrics", honesty_tables.sibling_table(run)))
        blocks.append(
            Block(
                "text",
                "A sibling is another image of the same case. What the model gains on images with a sibling it may "
                "have by recognising the case. The two sets also differ in their sources and classes:",
            )
        )
        blocks.append(Block("table", honesty_tables.sibling_sources(run)))
    return Section("shared", "Cases shared with the train part", tuple(blocks))


def blind_models(run: EvaluationResults, *, drawn: bool = True) -> Section:
    """Return what models without pixels reach; `drawn` adds the figure."""
    panel = run.honesty
    if not any(model["possible"] for model in panel["blind"].values()):
        reasons = dict.fromkeys(model["reason"] for model in panel["blind"].values())
        told = f"No model without pixels could be scored: {'; '.join(reasons)}."
        return Section("blind", "What is reached without seeing a pixel", (Block("text", told),))
    blocks = (
        Block(
            "text",
            "Models without pixels are trained on the train part too but see only what is written about its images. "
            "What they reach can be had without any picture, so only what the model reaches beyond them is a sign that "
            "it reads more than that.",
        ),
        *([Block("figure", blind_drawing(run))] if drawn else []),
        Block("metrics", honesty_tables.blind_table(run)),
        Block("list", list(_giveaways(panel["blind"]))),
        Block("text", _origins(panel["origins"])),
    )
    return Section("blind", "What is reached without seeing a pixel", tuple(block for block in blocks if block.content))


def blind_drawing(run: EvaluationResults) -> EmbeddedFigure:
    """Return the model beside the blind models as SVG."""
    told = [f"the model {fixed(run.honesty['scores']['accuracy']['value'])}"] + [
        f"{BLIND_NAMES.get(name, name)} {fixed(model['scores']['accuracy']['value'])}"
        for name, model in run.honesty["blind"].items()
        if model["possible"]
    ]
    caption = "The model beside models that see no pixel. The dashed line is the accuracy of the model."
    alt = f"Dot plot of accuracy, balanced accuracy and macro AUC. Accuracy: {', '.join(told)}."
    return EmbeddedFigure(svg_bytes(blind_figure(run.honesty)), caption, alt)


def _giveaways(blind: dict[str, dict[str, Any]]) -> Iterator[str]:
    """Yield what is unequal between the classes in the inputs, or the same everywhere, each once."""
    seen = set()
    for model in blind.values():
        if not model["possible"]:
            yield f"A model given {given(model)} is not possible: {model['reason']}."
            continue
        sentences = [
            *([f"In train every image has the same {_constant(model)}."] if model["constant"] else []),
            *(_filled(name, shares) for name, shares in model["filled"].items() if len(set(shares.values())) > 1),
            *(
                f"In train, the {INPUT_WORDS.get(name, name)} {value} holds {label} images only."
                for name, values in model["single_class"].items()
                for value, label in values.items()
            ),
        ]
        yield from (sentence for sentence in sentences if sentence not in seen)
        seen.update(sentences)


def _filled(name: str, shares: dict[str, float]) -> str:
    parts = ", ".join(f"{percent(share)} of {label}" for label, share in shares.items())
    return f"The {INPUT_WORDS.get(name, name)} is filled in for {parts} images."


def _constant(model: dict[str, Any]) -> str:
    return ", ".join(INPUT_WORDS.get(name, name) for name in model["constant"])


def _origins(origins: dict[str, Any]) -> str:
    if not origins["possible"]:
        return f"Whether the model has seen the sources of these images is not known: {origins['reason']}."
    named = f": {', '.join(origins['unseen'])}" if origins["unseen"] else ""
    return (
        f"Of the {count(origins['n'])} evaluated images whose {origins['column']} is known, "
        f"{count(origins['unseen_n']) if origins['unseen_n'] else 'none'} come from one that the train part does not "
        f"have{named}."
    )


def within_sources(run: EvaluationResults) -> Section:
    """Return malignant against benign within each source."""
    within = run.honesty["within_sources"]
    if not within["possible"]:
        blocks = [Block("text", f"This cannot be told: {within['reason']}.")]
    else:
        blocks = [
            Block(
                "text",
                "Sources differ in how many of their tumours are malignant, so knowing the source alone ranks tumours. "
                "Within one source that is no help: the pooled figure counts only pairs of tumours of the same source. "
                f"{run_words.ELSEWHERE}",
            ),
            Block("metrics", honesty_tables.within_table(run)),
        ]
        if within["unseen"]:
            blocks.append(Block("text", f"Without a tumour in train: {', '.join(within['unseen'])}."))
    return Section("within", "Malignant against benign within each source", tuple(blocks))


def worst_subgroups(run: EvaluationResults) -> Section:
    """Return the subgroups with the lowest figures."""
    subgroups = run.honesty["subgroups"]
    table = honesty_tables.worst_table(run)
    if not table.rows:
        told = f"Fewer than two subgroups have the {subgroups['fewest_ranked']} images that it takes to be ranked."
        return Section("worst", "The worst subgroup", (Block("text", told),))
    told = (
        f"Subgroups of at least {subgroups['fewest_ranked']} images are compared, by macro AUC only those with at "
        f"least {subgroups['fewest_cases']} cases of every class: with fewer, one case moves it far. Groups differ in "
        "their classes, and the lowest of many is low by chance too: this tells where to look, not how bad it is. All "
        "of them stand in the chapter on subgroups."
    )
    return Section("worst", "The worst subgroup", (Block("metrics", table), Block("text", told)))
