"""The files of one run, read and checked against each other before anything is written about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from osteolens.config import Config, load_config
from osteolens.data.manifest import Manifest, read_manifest
from osteolens.domain import SCHEME_FAMILIES, Column
from osteolens.errors import DataError
from osteolens.evaluation.parts import IDENTITY, predictions_sha256
from osteolens.evaluation.predictions import PredictionsTable
from osteolens.experiments.compared_folders import compared_run, require_same_answers
from osteolens.reporting.evaluation_results import EvaluationResults, check_figures, read_figures
from osteolens.reporting.map_shapes import Galleries, Maps, Proof
from osteolens.reporting.records import picture, present, record
from osteolens.reporting.run_shapes import Leakage, Robustness
from osteolens.storage import RunFolder, read_table


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
class RunResults(EvaluationResults):
    """One run, as its files tell it.

    Attributes
    ----------
    robustness
        Content of ``corruption.json``, see :func:`osteolens.experiments.robustness.robustness_record`; None where it
        was not made; with it `figures` has also ``corruption_curves``, which may be a PNG.
    history
        One row per epoch; empty cells are left out.
    maps
        None where they were not made.
    """

    config: Config
    manifest: Manifest
    robustness: dict[str, Any] | None
    provenance: dict[str, Any]
    history: list[dict[str, float]]
    curves: bytes
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
    def sources(self) -> frozenset[str]:
        """Where the images of all parts come from, as far as that is known."""
        return frozenset(self.manifest.frame[Column.SOURCE])


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
    table = PredictionsTable.from_csv(present(folder.predictions, "predict"))
    manifest = read_manifest(present(folder.manifest, "train"))
    leakage = record(folder.leakage, "train", Leakage)
    found = read_figures(folder.evaluation, "eval")
    class_names = found["summary"]["class_names"]
    results = RunResults(
        folder=folder,
        config=load_config(present(folder.config, "train")),
        manifest=manifest,
        compared=compared_run(folder, table, manifest, leakage),
        leakage=leakage,
        robustness=_robustness(folder, class_names),
        provenance=record(folder.provenance, "train", dict[str, Any]),
        history=_history(present(folder.log, "train")),
        curves=picture(folder.curves, "train"),
        maps=_maps(folder.explanation, class_names),
        **found | {"figures": found["figures"] | _curves_of_losses(folder)},
    )
    _check_agreement(results, table)
    return results


def _maps(folder: Path, class_names: list[str]) -> MapResults | None:
    report_path, index_path = folder / "annotation_report.json", folder / "gallery_index.json"
    if not report_path.is_file() and not index_path.is_file():
        return None
    report = record(report_path, "gradcam", Maps)
    index = record(index_path, "gradcam", Galleries)
    if missing := [name for name in class_names if name not in index["galleries"]]:
        raise DataError(f"{index_path} has no gallery of {', '.join(missing)}. Run osteolens gradcam again.")
    galleries = {name: picture(folder / index["galleries"][name]["file"], "gradcam") for name in class_names}
    comparison = picture(folder / "annotation_comparison.png", "gradcam") if report["n"] else None
    proof, proof_figure = None, None
    if (folder / "sanity.json").is_file():
        proof = record(folder / "sanity.json", "gradcam --proof", Proof, class_names)
        proof_figure = picture(folder / "sanity.svg", "gradcam --proof")
    return MapResults(report, index, galleries, comparison, proof, proof_figure)


def _robustness(folder: RunFolder, class_names: list[str]) -> dict[str, Any] | None:
    path = folder.robustness / "corruption.json"
    return record(path, "robustness", Robustness, class_names) if path.is_file() else None


def _curves_of_losses(folder: RunFolder) -> dict[str, bytes]:
    if not (folder.robustness / "corruption.json").is_file():
        return {}
    drawing = folder.robustness / "corruption_curves.svg"
    return {drawing.stem: picture(drawing if drawing.is_file() else drawing.with_suffix(".png"), "robustness")}


def _check_agreement(results: RunResults, table: PredictionsTable) -> None:
    """Refuse figures of other classes than the run's, and records of other answers than those that are there."""
    folder = results.folder
    if results.class_names != list(results.config.class_names):
        raise DataError(
            f"the figures in {folder.evaluation} are of the classes {', '.join(results.class_names)}, the run's are "
            f"{', '.join(results.config.class_names)}. Run osteolens eval again."
        )
    check_figures(results, folder.evaluation, table, "eval")
    identity = predictions_sha256(results.compared.table)
    told: list[tuple[Path, str, dict[str, Any]]] = []
    if results.robustness is not None:
        told.append((folder.robustness / "corruption.json", "robustness", results.robustness))
    if results.maps is not None:
        told.append((folder.explanation / "annotation_report.json", "gradcam", results.maps.report))
        if results.maps.proof is not None:
            told.append((folder.explanation / "sanity.json", "gradcam --proof", results.maps.proof))
    for path, verb, found in told:
        require_same_answers(path, found, identity, folder.predictions, verb)


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
