"""What each part of the training recipe is worth, on real radiographs: one switch at a time, several seeds.

Run ``python benchmarks/ablation.py --data path/to/btxrd256 --markdown docs/results/ablation.md``. The plan is
``benchmarks/ablation.yaml``, or another with ``--plan``: tables (a split scheme, the parts that are scored and the
figures that are shown) of variants (overrides of one configuration). Every variant is trained with every seed on the
same division and compared with the table's first variant, seed by seed. Finished trainings are kept and not repeated; a
killed one goes on where it stopped.

Variants are told apart on the val part. Where a table also shows the test part, nothing is chosen by it.
"""

from __future__ import annotations

import argparse
import multiprocessing
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from ablation_maps import MAP_FIGURES, map_figures

from osteolens.config import Config, load_config
from osteolens.data.radiographs import RadiographSet, load_radiographs
from osteolens.domain import MALIGNANT
from osteolens.errors import OsteolensError
from osteolens.evaluation.fixed_specificity import AT_SPECIFICITY, compared_points
from osteolens.evaluation.metrics import point_metrics
from osteolens.evaluation.predictions import PredictionsTable
from osteolens.experiments import stages
from osteolens.storage import write_table, write_text

PLAN = Path(__file__).with_suffix(".yaml")
FIGURES = {
    "macro_auc": "macro AUC",
    "malignant_auc": "malignant AUC",
    "accuracy": "accuracy",
    "sensitivity": "malignant sensitivity at 90% specificity",
    **MAP_FIGURES,
}

BEFORE = """# {title}

Written by `python benchmarks/ablation.py {arguments}` from the
predictions of every training; the figures of each are in [{name}.csv]({name}.csv), the plan is
[benchmarks/{name}.yaml](../../benchmarks/{name}.yaml). Research software, not for clinical use.

All variants share `configs/btxrd256.yaml` with
"""
AFTER = """
Each cell: the mean over the seeds, and in brackets the mean difference from the first row with the same seed ± its
standard deviation over the seeds. *seeds* counts the trainings behind a row. A difference smaller than about twice that
deviation may be chance."""


@dataclass(frozen=True)
class Run:
    """One training: a variant of a table with one seed.

    Attributes
    ----------
    parts
        Of the split, that are scored.
    figures
        Names of what is shown of them.
    overrides
        Of the base configuration, the seed and the folders among them.
    """

    table: str
    scheme: str
    parts: tuple[str, ...]
    figures: tuple[str, ...]
    variant: str
    seed: int
    base: Path
    overrides: tuple[str, ...]

    def config(self) -> Config:
        """Return the configuration of this training."""
        return load_config(self.base, self.overrides)


def main() -> None:
    """Train what is missing and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="data root")
    parser.add_argument("--plan", type=Path, default=PLAN)
    parser.add_argument("--tables", nargs="*", help="only these tables")
    parser.add_argument("--jobs", type=int, default=2, help="trainings at a time, each with one CPU thread")
    parser.add_argument("--out", type=Path, default=Path("results/ablation"), help="runs and checkpoints")
    parser.add_argument("--markdown", type=Path, help="write the page there, and every run's figures beside it as CSV")
    options = parser.parse_args()
    plan = yaml.safe_load(options.plan.read_text(encoding="utf-8"))
    runs = [
        run
        for run in planned_runs(plan, options.plan.parent, options.data, options.out)
        if not options.tables or run.table in options.tables
    ]
    rows, failures = _trained(runs, options.jobs)
    text = page(plan, options.plan.stem, rows, failures)
    print(text)
    if options.markdown is not None:
        write_text(options.markdown, text)
        write_table(options.markdown.with_suffix(".csv"), rows)


def planned_runs(plan: dict[str, Any], folder: Path, data: str, out: Path) -> Iterator[Run]:
    """Yield the trainings of a plan, all of the first seed before those of the second."""
    places = [f"paths.{name}_dir={out / name}" for name in ("results", "checkpoints", "cache", "splits")]
    for seed in range(1, max(content["seeds"] for content in plan["tables"].values()) + 1):
        for table, content in plan["tables"].items():
            for variant, overrides in content["variants"].items():
                if seed > content["seeds"]:
                    continue
                slug = re.sub(r"[^a-z0-9]+", "-", f"{table} {variant}".lower()).strip("-")
                own = [f"data.root={data}", f"experiment={slug}-{seed}", f"seed={seed}", "training.threads=1"]
                chosen = (*plan["overrides"], *places, *own, *overrides)
                parts, figures, base = tuple(content["parts"]), tuple(content["figures"]), folder / plan["base"]
                yield Run(table, content["scheme"], parts, figures, variant, seed, base, chosen)


def figures_of(table: PredictionsTable) -> dict[str, float]:
    """Return the figures of one part that its predictions alone tell."""
    points = compared_points(table)
    own = {"macro_auc": "macro_auc", "accuracy": "accuracy", "sensitivity": AT_SPECIFICITY}
    malignant = point_metrics(table.labels, table.probabilities)["auc"][table.class_names.index(MALIGNANT)]
    return {**{name: float(points[metric]) for name, metric in own.items()}, "malignant_auc": float(malignant)}


def page(plan: dict[str, Any], name: str, rows: pd.DataFrame, failures: Sequence[str]) -> str:
    """Return the Markdown page: a table of variants for each table and part, and what failed.

    Parameters
    ----------
    name
        Of the plan's file, and of the page that is meant to be kept.
    """
    own = "" if name == PLAN.stem else f"--plan benchmarks/{name}.yaml --out results/{name} "
    arguments = f"{own}--data path/to/btxrd256 --markdown docs/results/{name}.md"
    before = BEFORE.format(title=plan["title"], arguments=arguments, name=name)
    lines = [before, *(f"- `{override}`" for override in plan["overrides"]), AFTER]
    for table, content in plan["tables"].items():
        for part in content["parts"]:
            chosen = rows[(rows["table"] == table) & (rows["part"] == part)] if len(rows) else rows
            if len(chosen):
                head = ["", f"## {content['title']}: {part}", "", content["text"].strip(), ""]
                lines += [*head, *_table(list(content["variants"]), content["figures"], chosen)]
    if failures:
        lines += ["", "## Failed", "", *(f"- {failure}" for failure in failures)]
    return "\n".join(lines) + "\n"


def _table(variants: list[str], figures: list[str], rows: pd.DataFrame) -> list[str]:
    heads = " | ".join(FIGURES[name] for name in figures)
    lines = [f"| variant | seeds | {heads} |", f"|---|---:|{'---:|' * len(figures)}"]
    reference = rows[rows["variant"] == variants[0]].set_index("seed")
    for variant in variants:
        own = rows[rows["variant"] == variant].set_index("seed")
        cells = [_cell(own[name], None if variant == variants[0] else reference[name]) for name in figures]
        lines.append(f"| {variant} | {len(own)} | {' | '.join(cells)} |")
    return lines


def _cell(own: pd.Series[float], reference: pd.Series[float] | None) -> str:
    if own.isna().all():
        return "-"
    if reference is None:
        return f"{own.mean():.3f} (SD {_deviation(own)})"
    difference = (own - reference).dropna()
    return f"{own.mean():.3f} ({difference.mean():+.3f} ± {_deviation(difference)})" if len(difference) else "-"


def _deviation(values: pd.Series[float]) -> str:
    return f"{values.std(ddof=1):.3f}" if len(values) > 1 else "-"


def _trained(runs: Sequence[Run], jobs: int) -> tuple[pd.DataFrame, list[str]]:
    """Return the figures of every run, and a line on each that failed."""
    first_of_scheme = {run.scheme: run for run in reversed(runs)}
    for run in first_of_scheme.values():  # all trainings share the manifest: it is not to be written by two at once
        config = run.config()
        stages.find_manifest(config, load_radiographs(config.data), run.scheme)
    rows, failures = [], []
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        for run, outcome in zip(runs, pool.map(_train, runs), strict=True):
            name = f"{run.table} / {run.variant} / seed {run.seed}"
            if isinstance(outcome, str):
                failures.append(f"{name}: {outcome}")
                print(name, "FAILED:", outcome, flush=True)
                continue
            print(name, *(_told(run, row) for row in outcome), flush=True)
            rows += outcome
    return pd.DataFrame(rows), failures


def _told(run: Run, row: dict[str, Any]) -> str:
    return f"{row['part']} {' '.join(f'{row[name]:.3f}' for name in run.figures)}"


def _train(run: Run) -> list[dict[str, Any]] | str:
    """Train and predict in a process of its own; return a row of figures for each part, or the failure."""
    config = run.config()
    data = load_radiographs(config.data)
    try:
        stages.train_run(config, data, run.scheme)
        table = PredictionsTable.from_csv(stages.predict(config, data, run.scheme))
        return [_row(run, config, data, part, table.part(part)) for part in run.parts]
    except OsteolensError as error:
        return str(error)


def _row(run: Run, config: Config, data: RadiographSet, part: str, table: PredictionsTable) -> dict[str, Any]:
    figures = figures_of(table)
    if set(run.figures) & set(MAP_FIGURES):
        figures |= map_figures(config, data, run.scheme, table)
    where = {"table": run.table, "variant": run.variant, "seed": run.seed, "part": part}
    return {**where, **{name: round(figures[name], 6) for name in run.figures}}


if __name__ == "__main__":
    main()
