"""Folders with answers, of runs and of anybody's evaluated table, as what enters a comparison."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from osteolens.data.manifest import Manifest, read_manifest
from osteolens.domain import Column
from osteolens.errors import DataError
from osteolens.evaluation.compared_run import ComparedRun, TrainOverlap
from osteolens.evaluation.evaluate import HONESTY_FILE
from osteolens.evaluation.parts import IDENTITY, evaluation_parts, predictions_sha256
from osteolens.evaluation.predictions import PredictionsTable
from osteolens.storage import RunFolder, read_json


def find_folders(places: Sequence[Path]) -> list[RunFolder]:
    """Return the folders with answers that are named or lie in a named one, such as an experiment; none of them twice.

    Raises
    ------
    DataError
        A place is none and holds none.
    """
    found: dict[Path, RunFolder] = {}
    for place in places:
        folder = place.absolute()
        runs = [folder] if RunFolder(folder).predictions.is_file() else sorted(folder.glob("*/"))
        runs = [run for run in runs if RunFolder(run).predictions.is_file()]
        if not runs:
            raise DataError(
                f"{place} holds no run: a run's folder has {RunFolder(folder).predictions.name}, an experiment's "
                "folder has runs. Name such a folder, or run osteolens predict first. A table of anybody is evaluated "
                "first (osteolens eval --predictions FILE --out FOLDER), then its folder is named."
            )
        found.update({run.resolve(): RunFolder(run) for run in runs})
    return list(found.values())


def read_compared(folder: RunFolder) -> ComparedRun:
    """Read the evaluated part of a run, or of anybody's evaluated table, and what it shares with the train part.

    Raises
    ------
    DataError
        A file is missing, damaged, or of another state of the folder.
    """
    table = PredictionsTable.from_csv(folder.predictions)
    panel = folder.root / HONESTY_FILE  # a run has it in its folder of figures
    if panel.is_file():
        return _of_table(folder, table, read_json(panel))
    return compared_run(folder, table, read_manifest(folder.manifest), read_json(folder.leakage))


def compared_run(folder: RunFolder, table: PredictionsTable, manifest: Manifest, leakage: Any) -> ComparedRun:
    """Return the evaluated part of a run from what its files hold; it is named by its folder and the folder above.

    Raises
    ------
    DataError
        The manifest, the leakage and the table are not of the same images.
    """
    part, _ = evaluation_parts(table)
    name, root = part.splits[0], folder.root.absolute()
    shared, copies = _shared(leakage, name, folder.leakage, "train")
    listed = manifest.frame.loc[manifest.frame[Column.SPLIT] == name, Column.IMAGE_ID]
    answered = part.frame[Column.IMAGE_ID]
    if set(listed) != set(answered) or shared["all"][1] != len(part):
        raise DataError(
            f"the files in {folder.root} do not belong together: the predictions are of {len(part)} {name} images, "
            f"the manifest lists {len(listed)}, {int(listed.isin(answered).sum())} of them the same, and the leakage "
            f"covers {shared['all'][1]}. Run osteolens train and osteolens predict again."
        )
    overlap = TrainOverlap(shared, copies, _only_new_sources(manifest, name))
    return ComparedRun(root.parent.name, root.name, part, overlap)


def _of_table(folder: RunFolder, table: PredictionsTable, panel: Any) -> ComparedRun:
    """Return anybody's answers, as :mod:`osteolens.experiments.foreign` left them; they are named by the folder."""
    part, _ = evaluation_parts(table)
    path, verb, overlap = folder.root / HONESTY_FILE, "eval --predictions", None
    require_same_answers(path, panel, predictions_sha256(part), folder.predictions, verb)
    if panel["leakage"]["possible"]:
        shared, copies = _shared(panel["leakage"], part.splits[0], path, verb)
        overlap = TrainOverlap(shared, copies, _all_unseen(panel["origins"], len(part)))
    return ComparedRun(folder.root.absolute().name, "", part, overlap)


def require_same_answers(path: Path, record: Any, identity: str | None, table: Path, verb: str) -> None:
    """Raise :class:`DataError` unless a record is of the answers of a predictions table.

    Parameters
    ----------
    identity
        See :func:`osteolens.evaluation.parts.predictions_sha256`.
    verb
        What makes the record anew.
    """
    if not isinstance(record, dict) or record.get(IDENTITY) != identity:
        raise DataError(f"{path} is not of the answers in {table}. Run osteolens {verb} again.")


def _shared(leakage: Any, part: str, path: Path, verb: str) -> tuple[dict[str, tuple[int, int]], int]:
    """Return, by group, the images whose case is in train and all images; and the copies of train images."""
    try:
        entry = leakage["evaluation"][part]
        groups = {**entry["per_class"], **{name: entry[name] for name in ("tumours",) if name in entry}}
        shared = {name: (group["shared"], group["n"]) for name, group in (groups | {"all": entry["overall"]}).items()}
        return shared, entry["overall"].get("duplicated", 0)
    except (KeyError, TypeError) as error:
        raise DataError(f"{path} does not tell the leakage of {part}. Run osteolens {verb} again.") from error


def _only_new_sources(manifest: Manifest, part: str) -> bool | None:
    split, source = (manifest.frame[name] for name in (Column.SPLIT, Column.SOURCE))
    trained, tested = set(source[split == "train"]), set(source[split == part])
    return None if "" in trained | tested else trained.isdisjoint(tested)


def _all_unseen(origins: dict[str, Any], images: int) -> bool | None:
    """Return whether train has none of the sources, None where it is not known of every image."""
    if not origins["possible"] or origins["column"] != Column.SOURCE or origins["n"] != images:
        return None
    return bool(origins["unseen_n"] == images)
