"""From run folders, and predictions tables of anybody, to the comparison record and its figure."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from osteolens.data.manifest import Manifest, read_manifest
from osteolens.domain import Column
from osteolens.errors import DataError
from osteolens.evaluation.compared_run import ComparedRun, TrainOverlap
from osteolens.evaluation.comparison import compare_runs
from osteolens.evaluation.comparison_figure import comparison_figure
from osteolens.evaluation.figures import save_figure
from osteolens.evaluation.headline import Resampling
from osteolens.evaluation.parts import evaluation_parts
from osteolens.evaluation.predictions import PredictionsTable
from osteolens.storage import RunFolder, read_json, write_json

RECORD_NAME, FIGURE_NAME = "comparison.json", "comparison.png"


def compare_folders(
    folders: Sequence[RunFolder], tables: Sequence[Path], out: Path, resampling: Resampling
) -> dict[str, Any]:
    """Compare runs and tables, write ``comparison.json`` and ``comparison.png`` into `out` and return the record.

    Parameters
    ----------
    folders
        Runs of any experiments, each named by its folder and the folder above.
    tables
        Predictions tables, each named by its file.

    Raises
    ------
    DataError, EvaluationError
        A file of a run is missing, damaged or of another state of the run, or the runs cannot be compared; see
        :func:`osteolens.evaluation.comparison.compare_runs`.
    """
    runs = [read_run(folder) for folder in folders]
    runs += [ComparedRun(path.stem, "", _evaluated(path)) for path in tables]
    record = compare_runs(runs, resampling)
    write_json(out / RECORD_NAME, record)
    save_figure(comparison_figure(record), out / FIGURE_NAME)
    return record


def find_runs(places: Sequence[Path]) -> list[RunFolder]:
    """Return the runs in folders, each of which is a run or an experiment with several, by name; none of them twice.

    Raises
    ------
    DataError
        A folder holds no run with predictions.
    """
    found: dict[Path, RunFolder] = {}
    for place in places:
        folder = place.absolute()
        runs = [folder] if RunFolder(folder).predictions.is_file() else sorted(folder.glob("*/"))
        runs = [run for run in runs if RunFolder(run).predictions.is_file()]
        if not runs:
            raise DataError(
                f"{place} holds no run: a run's folder has {RunFolder(folder).predictions.name}, an experiment's "
                "folder has runs. Name such a folder, or run osteolens predict first."
            )
        found.update({run.resolve(): RunFolder(run) for run in runs})
    return list(found.values())


def read_run(folder: RunFolder) -> ComparedRun:
    """Read the evaluated part of a run and what it shares with the train part.

    Raises
    ------
    DataError
        A file is missing, damaged, or of another state of the run.
    """
    table = _evaluated(folder.predictions)
    manifest, part = read_manifest(folder.manifest), table.splits[0]
    leakage = read_json(folder.leakage)
    try:
        entry = leakage["evaluation"][part]
        groups = {**entry["per_class"], **{name: entry[name] for name in ("tumours",) if name in entry}}
        shared = {name: (group["shared"], group["n"]) for name, group in (groups | {"all": entry["overall"]}).items()}
        copies = entry["overall"].get("duplicated", 0)
    except (KeyError, TypeError) as error:
        raise DataError(f"{folder.leakage} does not tell the leakage of {part}. Run osteolens train again.") from error
    listed = len(manifest.frame[manifest.frame[Column.SPLIT] == part])
    if not len(table) == shared["all"][1] == listed:
        raise DataError(
            f"the files in {folder.root} do not belong together: the predictions are of {len(table)} {part} images, "
            f"the manifest lists {listed} and the leakage covers {shared['all'][1]}. Run osteolens train and osteolens "
            "predict again."
        )
    root = folder.root.absolute()
    return ComparedRun(
        root.parent.name, root.name, table, TrainOverlap(shared, copies, _only_new_sources(manifest, part))
    )


def _evaluated(path: Path) -> PredictionsTable:
    return evaluation_parts(PredictionsTable.from_csv(path))[0]


def _only_new_sources(manifest: Manifest, part: str) -> bool | None:
    split, source = (manifest.frame[name] for name in (Column.SPLIT, Column.SOURCE))
    trained, tested = set(source[split == "train"]), set(source[split == part])
    return None if "" in trained | tested else trained.isdisjoint(tested)
