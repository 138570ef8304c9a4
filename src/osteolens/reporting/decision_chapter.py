"""The chapter on decisions: operating points, calibration, conformal sets, selective risk, decision curves, shift."""

from __future__ import annotations

from osteolens.reporting import decision_tables, decision_words
from osteolens.reporting.chapters import Block, Section
from osteolens.reporting.evaluation_results import EvaluationResults
from osteolens.reporting.html import EmbeddedFigure, fixed


def decision_chapter(run: EvaluationResults) -> Section:
    """Return each part with its table, figure and what it means."""
    blocks = tuple(Block("text", sentence) for sentence in decision_words.chosen_on(run))
    sections = (_operating(run), _calibration(run), _conformal(run), _selective(run), _curves(run), _shift(run))
    return Section("decisions", "Decisions and calibration", blocks, sections)


def _operating(run: EvaluationResults) -> Section:
    points = run.decisions["operating_points"]
    blocks = []
    if points["questions"] is None:
        blocks.append(Block("text", f"No operating point was chosen: {points['reason']}."))
    for place, (question, chosen) in enumerate((points["questions"] or {}).items()):
        blocks.append(Block("text", decision_words.operating_sentence(question, chosen)))
        blocks.append(Block("metrics", decision_tables.operating_table(run, place, question)))
    return Section("operating", "Operating points", tuple(blocks))


def _calibration(run: EvaluationResults) -> Section:
    calibration = run.decisions["calibration"]
    errors = [
        f"ECE {decision_tables.CALIBRATIONS[method].lower()} {fixed(found['test']['ece']['value'])}"
        for method, found in calibration.items()
        if found["test"] is not None
    ]
    figure = EmbeddedFigure(
        run.figures["reliability"],
        "Reliability: share of right answers against stated probability. On the diagonal the probability is right.",
        f"Reliability diagrams of the predicted class and of each class. {', '.join(errors)}.",
    )
    return Section(
        "calibration",
        "Calibration: can the probabilities be believed?",
        (
            *(Block("text", sentence) for sentence in decision_words.calibration_sentences(calibration)),
            Block("metrics", decision_tables.calibration_table(run)),
            Block("figure", figure),
        ),
    )


def _conformal(run: EvaluationResults) -> Section:
    blocks = [Block("text", sentence) for sentence in decision_words.conformal_sentences(run)]
    if run.decisions["conformal"]["test"] is not None:
        alt = f"Share of the sets that hold the true class: {decision_words.coverages(run)}."
        caption = "How often the set holds the true class, by class."
        blocks.append(Block("metrics", decision_tables.conformal_table(run)))
        blocks.append(Block("figure", EmbeddedFigure(run.figures["conformal_coverage"], caption, alt)))
    return Section("conformal", "Sets of classes that cannot be ruled out", tuple(blocks))


def _selective(run: EvaluationResults) -> Section:
    selective = run.decisions["selective"]
    figure = EmbeddedFigure(
        run.figures["risk_coverage"],
        "Error of the answers given, against the share of images answered, the surest first.",
        f"Risk and coverage: {decision_words.sizes_of(selective)}.",
    )
    return Section(
        "selective",
        "Withholding uncertain answers",
        (
            Block("text", decision_words.selective_sentence(selective)),
            Block("metrics", decision_tables.selective_table(run)),
            Block("figure", figure),
        ),
    )


def _curves(run: EvaluationResults) -> Section:
    curves = run.decisions["decision_curves"]
    figure = EmbeddedFigure(
        run.figures["decision_curves"],
        "Net benefit against the probability from which one would act, with intervals.",
        f"Decision curves. {decision_words.prevalences(curves)}.",
    )
    sentences = [decision_words.curve_sentence(question, curve) for question, curve in curves.items()]
    return Section("curves", "Decision curves", (Block("list", sentences), Block("figure", figure)))


def _shift(run: EvaluationResults) -> Section:
    shift = run.decisions["prior_shift"]
    blocks = [Block("text", sentence) for sentence in decision_words.shift_sentences(shift)]
    if shift["shares"] is not None:
        blocks.append(Block("table", decision_tables.share_table(shift)))
        blocks.append(Block("table", decision_tables.shift_table(shift)))
    return Section("shift", "Where classes are more or less common", tuple(blocks))
