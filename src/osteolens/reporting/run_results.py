"""The files of one run, read and checked against each other before anything is written about them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from osteolens.config import Config, load_config
from osteolens.data.manifest import Manifest, read_manifest
from osteolens.domain import SCHEME_FAMILIES
from osteolens.errors import DataError
from osteolens.evaluation.compared_run import ComparedRun, Kind
from osteolens.evaluation.evaluate import EVALUATION_FIGURES, HONESTY_FILE, SUMMARY_FILE
from osteolens.evaluation.parts import IDENTITY, evaluation_parts, predictions_sha256
from osteolens.evaluation.predictions import PredictionsTable
from osteolens.experiments.compared_folders import compared_run, require_same_answers
from osteolens.storage import RunFolder, read_json, read_table

_SUMMARY_KEYS = (
    *(IDENTITY, "n", "cases", "split", "class_names", "per_class_n", "confidence", "resamples", "resampled_by"),
    *("intervals", "overall", "per_class", "confusion_matrix"),
)
_HONESTY_KEYS = (
    *(IDENTITY, "split", "confidence", "resamples", "scores", "leakage", "origins", "siblings", "blind"),
    *("within_sources", "subgroups", "conclusion"),
)
_DECISION_KEYS = (
    *(IDENTITY, "validation_sha256", "class_names", "confidence", "resamples", "fitted", "reason", "validation"),
    *("test", "cases_in_both", "probabilities", "calibration", "conformal", "selective", "operating_points"),
    *("decision_curves", "prior_shift"),
)
_MAP_KEYS = (IDENTITY, "n", "cases", "overall", "centre_prior", "per_class", "per_size_band")
_ROBUSTNESS_KEYS = (
    *(IDENTITY, "class_names", "split", "confidence", "resamples", "corruptions", "not_measured", "clean", "curves"),
)
_PROOF_KEYS = (IDENTITY, "n", "cases", "split", "randomisation", "deletion_insertion")


@dataclass(frozen=True, slots=True)
class MapResults:
    """What ``gradcam`` left in a run's folder.

    Attributes
    ----------
    report
        Content of ``annotation_report.json``.
    index
        Content of ``gallery_index.json``.
    galleries
        Class name to PNG.
    comparison
        PNG; None where no image of the part is annotated.
    proof, proof_figure
        Content of ``sanity.json`` and its figure as SVG; None where they were not made.
    """

    report: dict[str, Any]
    index: dict[str, Any]
    galleries: dict[str, bytes]
    comparison: bytes | None
    proof: dict[str, Any] | None
    proof_figure: bytes | None


@dataclass(frozen=True, slots=True)
class RunResults:
    """One run, as its files tell it.

    Attributes
    ----------
    compared
        Answers for the evaluated part, and what it shares with the train part.
    summary, averages
        Content of ``metrics_summary.json`` and ``classification_report.json``.
    honesty
        Content of ``honesty.json``, see :func:`osteolens.evaluation.honesty.honesty_panel`.
    decisions
        Content of ``decisions.json``, see :func:`osteolens.evaluation.decisions.decisions`.
    robustness
        Content of ``corruption.json``, see :func:`osteolens.experiments.robustness.robustness_record`; None where it
        was not made.
    history
        One row per epoch; empty cells are left out.
    figures
        Name of each of :data:`~osteolens.evaluation.evaluate.EVALUATION_FIGURES` to SVG, and with `robustness` also
        ``corruption_curves``, which may be a PNG.
    maps
        None where they were not made.
    """

    folder: RunFolder
    config: Config
    manifest: Manifest
    compared: ComparedRun
    leakage: dict[str, Any]
    summary: dict[str, Any]
    averages: dict[str, Any]
    honesty: dict[str, Any]
    decisions: dict[str, Any]
    robustness: dict[str, Any] | None
    provenance: dict[str, Any]
    history: list[dict[str, float]]
    curves: bytes
    figures: dict[str, bytes]
    maps: MapResults | None

    @property
    def name(self) -> str:
        """The name of the split, by which the runs of an experiment are told apart."""
        return self.config.training.split_strategy

    @property
    def scheme(self) -> str | None:
        """The scheme that divided the images, a family for each of its members; None for a division from a file."""
        if self.name in self.config.data.split_files:
            return None
        families = (scheme for scheme, prefix in SCHEME_FAMILIES.items() if self.name.startswith(prefix))
        return next(families, self.name)

    @property
    def anchor(self) -> str:
        """The name in the characters that an address within a page may have."""
        return re.sub(r"[^A-Za-z0-9_-]", "-", self.name)

    @property
    def part(self) -> str:
        """The part that the figures are of, test or val."""
        return str(self.summary["split"])

    @property
    def class_names(self) -> list[str]:
        """In the order of the network's outputs."""
        return list(self.summary["class_names"])

    @property
    def evaluated_leakage(self) -> dict[str, Any]:
        """Leakage of the part that the figures are of."""
        return dict(self.leakage["evaluation"][self.part])

    @property
    def kind(self) -> Kind:
        """How far from the train images the evaluated ones are."""
        return self.compared.kind

    @property
    def leaks(self) -> bool:
        """Whether any evaluated image has another one of its case, or a byte-identical one, in train."""
        return self.kind == "leaking"


def read_runs(folders: Sequence[RunFolder]) -> list[RunResults]:
    """Read the runs of one experiment; those whose evaluated part shares nothing with train come first.

    Raises
    ------
    DataError
        There is no run, two runs have the same split scheme, runs are of different experiments or classes, or a file
        of a run is missing, damaged or of another state of the run.
    """
    runs = [read_run(folder) for folder in folders]
    if not runs:
        raise DataError("there is no run to report on. Run osteolens run first.")
    names = [run.name for run in runs]
    if len(set(names)) < len(names):
        raise DataError(f"a report needs one run per split scheme, but these are on {', '.join(names)}.")
    for what, values in (
        ("experiments", {run.config.experiment for run in runs}),
        ("classes", {", ".join(run.class_names) for run in runs}),
    ):
        if len(values) > 1:
            raise DataError(f"a report is on one experiment, but these runs have different {what}: {sorted(values)}.")
    return sorted(runs, key=lambda run: run.leaks)


def require_compared(runs: Sequence[RunResults], record: dict[str, Any]) -> None:
    """Raise :class:`DataError` unless a comparison record holds every run with the answers that it has now."""
    compared = {run["label"]: run.get(IDENTITY) for run in record["runs"]}
    for run in runs:
        label = run.compared.label
        if compared.get(label) != predictions_sha256(run.compared.table):
            raise DataError(f"the comparison is not of the answers of {label}. Run osteolens report again.")


def read_run(folder: RunFolder) -> RunResults:
    """Read a run's folder.

    Raises
    ------
    DataError
        A file is missing (the message names the verb that makes it), is damaged, or belongs to another state of the
        run than the others.
    """
    table = PredictionsTable.from_csv(_present(folder.predictions, "predict"))
    manifest = read_manifest(_present(folder.manifest, "train"))
    leakage = _record(folder.leakage, "train", ("evaluation", "sentence"))
    summary = _record(folder.evaluation / SUMMARY_FILE, "eval", _SUMMARY_KEYS)
    results = RunResults(
        folder=folder,
        config=load_config(_present(folder.config, "train")),
        manifest=manifest,
        compared=compared_run(folder, table, manifest, leakage),
        leakage=leakage,
        summary=summary,
        averages=_record(
            folder.evaluation / "classification_report.json", "eval", ("macro avg", "weighted avg", "accuracy")
        ),
        honesty=_record(folder.evaluation / HONESTY_FILE, "eval", _HONESTY_KEYS),
        decisions=_record(folder.evaluation / "decisions.json", "eval", _DECISION_KEYS),
        robustness=_robustness(folder),
        provenance=_record(folder.provenance, "train", ()),
        history=_history(_present(folder.log, "train")),
        curves=_picture(folder.curves, "train"),
        figures=_figures(folder),
        maps=_maps(folder.explanation, summary["class_names"]),
    )
    _check_agreement(results, table)
    return results


def _maps(folder: Path, class_names: list[str]) -> MapResults | None:
    report_path, index_path = folder / "annotation_report.json", folder / "gallery_index.json"
    if not report_path.is_file() and not index_path.is_file():
        return None
    report = _record(report_path, "gradcam", _MAP_KEYS)
    index = _record(index_path, "gradcam", ("galleries",))
    if missing := [name for name in class_names if name not in index["galleries"]]:
        raise DataError(f"{index_path} has no gallery of {', '.join(missing)}. Run osteolens gradcam again.")
    galleries = {name: _picture(folder / index["galleries"][name]["file"], "gradcam") for name in class_names}
    comparison = _picture(folder / "annotation_comparison.png", "gradcam") if report["n"] else None
    proof, proof_figure = None, None
    if (folder / "sanity.json").is_file():
        proof = _record(folder / "sanity.json", "gradcam --proof", _PROOF_KEYS)
        proof_figure = _picture(folder / "sanity.svg", "gradcam --proof")
    return MapResults(report, index, galleries, comparison, proof, proof_figure)


def _robustness(folder: RunFolder) -> dict[str, Any] | None:
    path = folder.robustness / "corruption.json"
    return _record(path, "robustness", _ROBUSTNESS_KEYS) if path.is_file() else None


def _figures(folder: RunFolder) -> dict[str, bytes]:
    figures = {name: _picture(folder.evaluation / f"{name}.svg", "eval") for name in EVALUATION_FIGURES}
    if (folder.robustness / "corruption.json").is_file():
        drawing = folder.robustness / "corruption_curves.svg"
        figures[drawing.stem] = _picture(drawing if drawing.is_file() else drawing.with_suffix(".png"), "robustness")
    return figures


def _check_agreement(results: RunResults, table: PredictionsTable) -> None:
    """Refuse figures of other classes than the run's, and records of other answers than those that are there."""
    folder = results.folder
    if results.class_names != list(results.config.class_names):
        raise DataError(
            f"the figures in {folder.evaluation} are of the classes {', '.join(results.class_names)}, the run's are "
            f"{', '.join(results.config.class_names)}. Run osteolens eval again."
        )
    _, validation = evaluation_parts(table)
    identity = predictions_sha256(results.compared.table)
    chosen_on = None if validation is None else predictions_sha256(validation)
    decisions = folder.evaluation / "decisions.json"
    told: list[tuple[Path, str, dict[str, Any], str | None]] = [
        (folder.evaluation / SUMMARY_FILE, "eval", results.summary, identity),
        (folder.evaluation / HONESTY_FILE, "eval", results.honesty, identity),
        (decisions, "eval", results.decisions, identity),
        (decisions, "eval", {IDENTITY: results.decisions["validation_sha256"]}, chosen_on),
    ]
    if results.robustness is not None:
        told.append((folder.robustness / "corruption.json", "robustness", results.robustness, identity))
    if results.maps is not None:
        told.append((folder.explanation / "annotation_report.json", "gradcam", results.maps.report, identity))
    for path, verb, record, of in told:
        require_same_answers(path, record, of, folder.predictions, verb)


def _present(path: Path, verb: str) -> Path:
    if not path.is_file():
        raise DataError(f"{path} is missing; osteolens {verb} makes it.")
    return path


def _record(path: Path, verb: str, keys: tuple[str, ...]) -> dict[str, Any]:
    record = read_json(_present(path, verb))
    if not isinstance(record, dict) or (missing := [key for key in keys if key not in record]):
        what = f"lacks {', '.join(missing)}" if isinstance(record, dict) else "holds no record"
        raise DataError(f"{path} {what}. Run osteolens {verb} again.")
    return record


def _picture(path: Path, verb: str) -> bytes:
    return _present(path, verb).read_bytes()


def _history(path: Path) -> list[dict[str, float]]:
    table = read_table(path)
    if table.empty:
        raise DataError(f"{path} holds no epoch. Run osteolens train again.")
    try:
        return [
            {str(name): float(cell) for name, cell in row.items() if cell != ""} for row in table.to_dict("records")
        ]
    except ValueError as error:
        raise DataError(f"{path} is not a training log: {error}. Run osteolens train again.") from error
