"""The main job: the stages in their order, from a folder of radiographs to a report."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from osteolens.config import Config
from osteolens.data.audit import audit, leakage_of_splits
from osteolens.data.radiographs import load_radiographs
from osteolens.data.sources import read_source
from osteolens.data.splits import expand_schemes
from osteolens.domain import SCHEME_FAMILIES, Column
from osteolens.errors import DataError
from osteolens.evaluation.evaluate import SUMMARY_FILE
from osteolens.evaluation.resampling import Resampling
from osteolens.experiments import stages
from osteolens.experiments.comparison import write_comparison
from osteolens.experiments.explanation import explain
from osteolens.experiments.reuse import StageRecord
from osteolens.reporting.audit_report import VIOLATIONS, write_audit_report
from osteolens.reporting.experiment_report import write_experiment_report
from osteolens.reporting.map_index import write_map_index
from osteolens.reporting.model_card import write_model_card
from osteolens.reporting.poc_report import write_poc_report
from osteolens.reporting.results_page import write_results_page
from osteolens.reporting.run_report import write_run_report
from osteolens.reporting.run_results import read_runs
from osteolens.storage import RunFolder, read_json, sha256_file
from osteolens.training.run import run_folder

AUDIT = "data_audit.json"

logger = logging.getLogger("osteolens")


def main_job(config: Config) -> Path:
    """Audit, split, train, predict, evaluate and explain on every scheme of ``data.split_schemes``; report.

    Returns
    -------
    pathlib.Path
        The HTML report.

    Raises
    ------
    DataError
        A manifest on disk was edited or is outdated; nothing is trained then.
    """
    audit_data(config)
    data = load_radiographs(config.data)
    schemes = expand_schemes(config.data.split_schemes, data, config)
    for scheme in schemes:
        stages.find_manifest(config, data, scheme)  # all of them before the first training
    for scheme in schemes:
        logger.info("split %s", scheme)
        stages.train_run(config, data, scheme)
        stages.predict(config, data, scheme)
        stages.evaluate_run(config, data, scheme)
        explain(config, data, scheme)
    return write_report(config)


def audit_folder(config: Config) -> Path:
    """Return where the audit of an experiment's data is kept."""
    return config.paths.results_dir / config.experiment / "audit"


def audit_data(config: Config, out: Path | None = None) -> tuple[dict[str, Any], Path]:
    """Audit the data root and return the findings and the HTML page."""
    folder = out or audit_folder(config)
    page, record = folder / "data_audit_report.html", StageRecord(folder)
    data = load_radiographs(config.data)
    metadata = config.data.metadata and sha256_file(config.data.root / config.data.metadata)
    options = [config.data.model_dump(mode="json"), config.seed]
    made_from = [data.data_hash(), data.metadata_hash(), data.annotations_hash(), metadata, options]
    if record.is_current("audit", made_from, [page, folder / AUDIT, folder / VIOLATIONS]):
        return read_json(folder / AUDIT), page
    result = audit(
        config.data.root,
        annotations_dir=config.data.annotations_dir,
        source=read_source(config.data),
        cases=data.frame[[Column.IMAGE_ID, Column.CASE, Column.SOURCE]],
        leakage=leakage_of_splits(data, config),
    )
    paths = write_audit_report(result, folder)
    figures = sorted(paths.pop("figures").glob("*.png")) if "figures" in paths else []
    record.finish("audit", made_from, [*paths.values(), *figures])
    logger.info("audit: %s", paths["html"])
    return result.summary, paths["html"]


def write_report(config: Config, markdown: Path | None = None, *, command: str = "osteolens run") -> Path:
    """Write a page and a model card of each finished run, the proof-of-concept report, and the experiment's page.

    Parameters
    ----------
    markdown
        Where a short page in Markdown goes as well, on which `command` stands as what made the runs.

    Returns
    -------
    pathlib.Path
        The experiment's page, from which the others are reached.
    """
    runs, folder = read_runs(finished_runs(config)), config.paths.results_dir / config.experiment
    for run in runs:
        write_run_report(run)
        write_model_card(run)
        if run.maps is not None:
            write_map_index(run.folder)
    write_poc_report(runs, folder, audit_folder(config) / AUDIT)
    comparison = write_comparison([run.compared for run in runs], folder, Resampling.of(config))
    if markdown is not None:
        write_results_page(runs, comparison, markdown, command=command)
    return write_experiment_report(runs, comparison, folder / "report.html")


def finished_runs(config: Config) -> list[RunFolder]:
    """Return the runs with figures: the schemes of the configuration first, in its order, then others by name.

    The members of a family stand in its place by name, ``case-fold-10`` after ``case-fold-2``; the radiographs are not
    needed for that.

    Raises
    ------
    DataError
        There is none.
    """
    folder = config.paths.results_dir / config.experiment
    found = {path.parent.parent.name for path in folder.glob(f"*/evaluation/{SUMMARY_FILE}")}
    if not found:
        raise DataError(f"{folder} holds no evaluated run. Run osteolens train and osteolens eval first.")
    return [run_folder(config, scheme) for scheme in _in_order(found, config.data.split_schemes)]


def _in_order(found: set[str], schemes: Iterable[str]) -> list[str]:
    by_name = sorted(found, key=_numbers_by_size)
    ordered: dict[str, None] = {}
    for scheme in schemes:
        prefix = SCHEME_FAMILIES.get(scheme)
        members = [name for name in by_name if name == scheme or (prefix and name.startswith(prefix))]
        ordered.update(dict.fromkeys(members))
    return list(ordered | dict.fromkeys(by_name))


def _numbers_by_size(name: str) -> list[str | int]:
    return [int(piece) if piece.isdecimal() else piece for piece in re.split(r"(\d+)", name)]
