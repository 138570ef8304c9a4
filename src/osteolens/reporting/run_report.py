"""One self-contained page on an experiment: leakage first, then the figures of its runs, maps, recipe, limits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from osteolens.reporting import run_tables, run_words
from osteolens.reporting.html import EmbeddedFigure, PageTable, render
from osteolens.reporting.metric_table import MetricTable
from osteolens.reporting.run_results import RunResults, read_runs
from osteolens.storage import RunFolder, write_text

_RECIPE = {
    "data": {"image_size", "resize", "interpolation", "clahe"},
    "model": {"backbone", "attn_layer", "dropout", "pretrained", "weights", "pad_type"},
    "augmentation": None,
    "training": None,
    "evaluation": None,
    "explanation": None,
}  # folders are left out: they belong to the machine, not to the method


@dataclass(frozen=True, slots=True)
class _Maps:
    """What the chapter on maps shows of one run."""

    sentence: str
    warnings: list[str]
    tables: tuple[MetricTable, ...]
    figures: tuple[EmbeddedFigure, ...]


@dataclass(frozen=True, slots=True)
class _RunView:
    """What the page shows of one run, ready to be drawn."""

    anchor: str
    label: str
    tables: tuple[MetricTable, ...]
    figures: tuple[EmbeddedFigure, ...]
    training: EmbeddedFigure
    counts: PageTable
    maps: _Maps | None


def write_run_report(runs: Sequence[RunFolder], out: Path) -> Path:
    """Write the page and return `out`.

    Parameters
    ----------
    runs
        Runs of one experiment, one per split scheme. On the page, those whose evaluated part shares no case with train
        stand first.

    Raises
    ------
    DataError
        There is no run, two runs have the same split scheme or runs are of different experiments or classes, or a file
        of a run is missing, damaged or of another state of the run.
    """
    return write_text(out, render("run.html.j2", **_context(read_runs(runs))))


def _context(runs: list[RunResults]) -> dict[str, Any]:
    config, names = runs[0].config, [run.name for run in runs]
    return {
        "experiment": config.experiment,
        "backbone": config.model.backbone,
        "size": config.data.image_size,
        "seed": config.seed,
        "deterministic": config.deterministic,
        "images": max(len(run.manifest.frame) for run in runs),
        "verdicts": run_words.verdicts(runs),
        "which_to_read": run_words.which_to_read(runs),
        "pooled_normals": run_words.pooled_normals(runs),
        "leakage": run_tables.leakage_table(runs),
        "headline": run_tables.headline_table(runs),
        "intervals": run_words.intervals_sentence(runs[0]),
        "missed": [sentence for run in runs if (sentence := run_words.missed(run))],
        "gaps": run_words.gaps(runs),
        "runs": [_view(run) for run in runs],
        "recipe": run_tables.side_by_side(names, [_recipe(run) for run in runs], "Recipe"),
        "provenance": run_tables.side_by_side(names, [run.provenance for run in runs], "Provenance"),
        "command": _command(runs[0]),
    }


def _view(run: RunResults) -> _RunView:
    return _RunView(
        run.anchor,
        run_tables.run_label(run),
        (run_tables.class_table(run), run_tables.further_table(run)),
        tuple(run_words.evaluation_figures(run)),
        run_words.training_figure(run),
        run_tables.counts_table(run),
        _maps(run),
    )


def _maps(run: RunResults) -> _Maps | None:
    if run.maps is None:
        return None
    report = run.maps.report
    tables = (
        run_tables.map_table(run, report),
        run_tables.map_group_table(run, report, "per_class", "Class"),
        run_tables.map_group_table(run, report, "per_size_band", "Lesion's share of the image"),
    )
    return _Maps(
        run_words.map_sentence(report),
        list(report.get("warnings", [])),
        tuple(table for table in tables if table.rows) if report["n"] else (),
        tuple(run_words.map_figures(run, run.maps)),
    )


def _command(run: RunResults) -> str:
    config = run.config
    results = config.paths.results_dir
    saved = (Path(results.name) if results.is_absolute() else results) / config.experiment / run.name / "config.yaml"
    return f"osteolens run --config {saved.as_posix()} --override experiment={config.experiment}-repeated"


def _recipe(run: RunResults) -> dict[str, Any]:
    values = run.config.to_dict()
    weights = run.config.model.weights
    values["model"]["weights"] = weights.name if weights is not None else None
    return {
        section: {key: value for key, value in values[section].items() if keys is None or key in keys}
        for section, keys in _RECIPE.items()
    }
