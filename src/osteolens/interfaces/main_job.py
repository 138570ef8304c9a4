"""The main job: the stages in their order, from a folder of radiographs to a report."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from osteolens.config import Config
from osteolens.data.audit import audit, leakage_of_splits
from osteolens.data.radiographs import RadiographSet, load_radiographs
from osteolens.data.sources import read_source
from osteolens.data.splits import expand_schemes
from osteolens.domain import Column
from osteolens.errors import DataError
from osteolens.experiments import stages
from osteolens.experiments.reuse import StageRecord
from osteolens.reporting.audit_report import VIOLATIONS, write_audit_report
from osteolens.reporting.run_report import write_run_report
from osteolens.storage import RunFolder, read_json, sha256_file
from osteolens.training.run import run_folder

logger = logging.getLogger("osteolens")


def main_job(config: Config) -> Path:
    """Audit, split, train, predict, evaluate and explain on every scheme of ``data.split_schemes``; report.

    Returns
    -------
    pathlib.Path
        The HTML report.
    """
    audit_data(config)
    data = load_radiographs(config.data)
    for scheme in expand_schemes(config.data.split_schemes, data, config):
        logger.info("split %s", scheme)
        stages.split(config, data, scheme)
        stages.train_run(config, data, scheme)
        stages.predict(config, data, scheme)
        stages.evaluate_run(config, data, scheme)
        stages.explain(config, data, scheme)
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
    made_from = [data.data_hash(), metadata, _annotation_sizes(data), config.data.model_dump(mode="json"), config.seed]
    if record.is_current("audit", made_from, [page, folder / "data_audit.json", folder / VIOLATIONS]):
        return read_json(folder / "data_audit.json"), page
    result = audit(
        config.data.root,
        annotations_dir=config.data.annotations_dir,
        source=read_source(config.data),
        cases=data.frame[[Column.IMAGE_ID, Column.CASE, Column.SOURCE]],
        leakage=leakage_of_splits(data, config),
    )
    paths = write_audit_report(result, folder)
    record.finish("audit", made_from)
    logger.info("audit: %s", paths["html"])
    return result.summary, paths["html"]


def write_report(config: Config) -> Path:
    """Write the page on all finished runs of the experiment and return it."""
    return write_run_report(finished_runs(config), config.paths.results_dir / config.experiment / "report.html")


def finished_runs(config: Config) -> list[RunFolder]:
    """Return the runs with figures: the schemes of the configuration first, in its order, then others by name.

    Raises
    ------
    DataError
        There is none.
    """
    folder = config.paths.results_dir / config.experiment
    found = {path.parent.parent.name for path in folder.glob("*/evaluation/metrics_summary.json")}
    ordered = [scheme for scheme in config.data.split_schemes if scheme in found]
    if not found:
        raise DataError(f"{folder} holds no evaluated run. Run osteolens train and osteolens eval first.")
    return [run_folder(config, scheme) for scheme in (*ordered, *sorted(found - set(ordered)))]


def _annotation_sizes(data: RadiographSet) -> list[tuple[str, int]]:
    return sorted((stem, path.stat().st_size) for stem, path in data.annotation_paths.items())
