"""What a run report says in sentences; the figures in them are those of the result files."""

from __future__ import annotations

from collections.abc import Sequence

from osteolens.data.audit.findings import Finding, Severity
from osteolens.domain import MALIGNANT, POOLED_SOURCE
from osteolens.evaluation.conclusion import Verdict, advantage_verdict, best_blind, given
from osteolens.reporting.evaluation_results import EvaluationResults
from osteolens.reporting.html import count, fixed
from osteolens.reporting.interval_words import INTERVAL_NAMES, not_resampled
from osteolens.reporting.kind_words import HONEST, MEANING, SEVERITY
from osteolens.reporting.metric_table import metric_text
from osteolens.reporting.run_results import RunResults
from osteolens.reporting.run_tables import level
from osteolens.wording import counted

ELSEWHERE = (
    "Only sources that training has not seen tell of other hospitals, and only cases that it has not seen tell of new "
    "patients."
)
_GRAVEST_FIRST: tuple[Severity, ...] = ("problem", "caution", "note")
_BESIDE_BLIND: dict[Verdict, Finding] = {  # what the best of the models without pixels is given, and both accuracies
    "better": Finding("note", "The model does better than the best one that sees no pixel ({}): {}."),
    "no_difference": Finding(
        "caution",
        "No clear difference shows between the model and one that sees no pixel and is given {}: {}. Accuracy alone is "
        "then no evidence that it reads lesions.",
    ),
    "worse": Finding(
        "problem",
        "The model does worse than one that sees no pixel and is given {}: {}. Its accuracy is no evidence that it "
        "reads lesions.",
    ),
    "unknown": Finding(
        "caution",
        "Whether the model does better than one that sees no pixel and is given {} cannot be told: {}, without an "
        "interval of the difference.",
    ),
}


def verdicts(runs: Sequence[EvaluationResults]) -> list[Finding]:
    """Return what leakage and what the best model without pixels mean for the figures of each run, gravest first."""
    leakage = [
        Finding(SEVERITY[run.kind], f"{_split(run)}{run.leakage['sentence']} {MEANING[run.kind]}") for run in runs
    ]
    blind = [finding for run in runs if (finding := _blind_verdict(run)) is not None]
    return sorted([*leakage, *blind], key=lambda finding: _GRAVEST_FIRST.index(finding.severity))


def which_to_read(runs: Sequence[RunResults]) -> str:
    """Return which runs are of new cases."""
    clean = [run.name for run in runs if run.kind in HONEST]
    leaking = [run.name for run in runs if run.leaks]
    if all(run.kind == "unknown" for run in runs):
        return (
            "The data set does not say which images belong to one patient, so nobody can tell from this page how the "
            "network does on new patients. Name a column of patients in data.columns (case_id) to learn that."
        )
    if not clean:
        return (
            "No run on this page is free of shared cases, so none of its figures says how the network does on new "
            "patients. Train on a split by case (osteolens run --override data.split_schemes=[case]) to learn that."
        )
    splits = f"The split {clean[0]} keeps" if len(clean) == 1 else f"The splits {_and(clean)} keep"
    apart = (
        f"{splits} cases apart: no evaluated image shares one with train. That alone does not show that lesions are "
        "read; what a model reaches without seeing a pixel stands beside it."
    )
    if not leaking:
        return apart
    told = f"{apart} The figures of {_and(leaking)} are printed for comparison with published work that uses such"
    return f"{told} splits."


def beside_blind(run: EvaluationResults) -> str:
    """Return what the best model without pixels means for the accuracy of a run, as :func:`verdicts` does."""
    if (finding := _blind_verdict(run)) is not None:
        return finding.text
    accuracy = metric_text(run.honesty["scores"]["accuracy"])
    return f"{_split(run)}Accuracy {accuracy}; what is reached without seeing a pixel is not known."


def _blind_verdict(run: EvaluationResults) -> Finding | None:
    if (best := best_blind(run.honesty["blind"])) is None:
        return None
    model = run.honesty["blind"][best]
    own, without = (metric_text(scores["accuracy"]) for scores in (run.honesty["scores"], model["scores"]))
    verdict = _BESIDE_BLIND[advantage_verdict(model)]
    told = verdict.text.format(given(model), f"accuracy {own} against {without}")
    return Finding(verdict.severity, f"{_split(run)}{told}")


def _split(run: EvaluationResults) -> str:
    return f"Split {run.name}: " if run.name else ""


def pooled_normals(runs: Sequence[EvaluationResults]) -> bool:
    """Return whether some normals are grouped by sex and age only, which makes their leakage an upper bound."""
    return any(POOLED_SOURCE in run.sources for run in runs)


def missed(run: EvaluationResults) -> str:
    """Return what the malignant images were answered as; empty without any."""
    names, matrix = run.class_names, run.summary["confusion_matrix"]
    if MALIGNANT not in names or not (total := sum(matrix[names.index(MALIGNANT)])):
        return ""
    answers = dict(zip(names, matrix[names.index(MALIGNANT)], strict=True))
    found = answers.pop(MALIGNANT)
    others = _and([f"{count(number)} as {name}" for name, number in answers.items()])
    images, sensitivity = counted(total, f"{MALIGNANT} image"), run.summary["per_class"][MALIGNANT]["sensitivity"]
    return f"Of {images}, {count(found)} answered as {MALIGNANT}, {others}; sensitivity {metric_text(sensitivity)}."


def kept_epoch(run: RunResults) -> str:
    """Return how many epochs were trained and which one was kept."""
    training, history = run.config.training, run.history
    length = f"Trained for {len(history)} of at most {counted(training.epochs, 'epoch')}"
    rows = [row for row in history if training.monitor in row]
    if not rows:
        return f"{length}. Without a validation part the last epoch was kept."
    best = (min if training.monitor == "val_loss" else max)(rows, key=lambda row: row[training.monitor])
    return (
        f"{length}. Epoch {best['epoch']:.0f} was kept, chosen by {training.monitor} = {fixed(best[training.monitor])}."
    )


def training_sentence(run: RunResults) -> str:
    """Return :func:`kept_epoch` and how long training took."""
    seconds = sum(row.get("seconds", 0.0) for row in run.history)
    return f"{kept_epoch(run)} Training took {seconds / 60:.1f} minutes."


def _and(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def intervals_sentence(run: EvaluationResults) -> str:
    """Return how the intervals were made."""
    summary = run.summary
    kind = INTERVAL_NAMES.get(summary["intervals"], summary["intervals"])
    return (
        f"Intervals: {level(run)}, from {count(summary['resamples'])} bootstrap resamples of whole "
        f"{summary['resampled_by']}s ({kind}). {not_resampled(summary['intervals'])} "
        "All intervals hold the chance of which cases were tested, not that of training again or of another hospital."
    )
