"""Verbs on runs of an experiment."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from osteolens.errors import ConfigError
from osteolens.interfaces.options import (
    AllSplits,
    AsJson,
    ConfigFile,
    DataRoot,
    Fresh,
    Overrides,
    Quiet,
    Splits,
    load_chosen,
    resolve,
)
from osteolens.interfaces.terminal import say


def train(
    config: ConfigFile = None,
    override: Overrides = None,
    data: DataRoot = None,
    scheme: Splits = None,
    all_splits: AllSplits = False,
    fresh: Fresh = False,
    quiet: Quiet = False,
) -> None:
    """Train on a split; a run that was interrupted goes on."""
    options = resolve(config, override, data, quiet=quiet)
    radiographs, names = load_chosen(options, scheme, all_splits=all_splits)
    from osteolens.experiments import stages
    from osteolens.models.checkpoint import checkpoint_path

    for name in names:
        stages.train_run(options, radiographs, name, fresh=fresh)
        say(checkpoint_path(options, name, "best"))


def predict(
    config: ConfigFile = None,
    override: Overrides = None,
    data: DataRoot = None,
    scheme: Splits = None,
    all_splits: AllSplits = False,
    quiet: Quiet = False,
) -> None:
    """Write the predictions table of a run."""
    options = resolve(config, override, data, quiet=quiet)
    radiographs, names = load_chosen(options, scheme, all_splits=all_splits)
    from osteolens.experiments import stages

    for name in names:
        say(stages.predict(options, radiographs, name))


def evaluate(
    config: ConfigFile = None,
    override: Overrides = None,
    data: DataRoot = None,
    scheme: Splits = None,
    all_splits: AllSplits = False,
    predictions: Annotated[Path | None, typer.Option(help="Any predictions table instead of a run's.")] = None,
    out: Annotated[Path, typer.Option(help="Folder for the figures of --predictions.")] = Path("results/evaluation"),
    quiet: Quiet = False,
    json: AsJson = False,
) -> None:
    """Work out the figures of a run, or of anybody's predictions table, with intervals."""
    options = resolve(config, override, data, quiet=quiet)
    if predictions is not None:
        if data is not None or scheme or all_splits:
            raise ConfigError("--predictions is evaluated alone: leave out --data, --split and --all-splits.")
        from osteolens.experiments.foreign import evaluate_table

        summaries = [evaluate_table(predictions, out, options)]
    else:
        radiographs, names = load_chosen(options, scheme, all_splits=all_splits)
        from osteolens.experiments import stages

        summaries = [stages.evaluate_run(options, radiographs, name) for name in names]
    for path in summaries:
        say(path.read_text(encoding="utf-8").rstrip() if json else path)


def gradcam(
    config: ConfigFile = None,
    override: Overrides = None,
    data: DataRoot = None,
    scheme: Splits = None,
    all_splits: AllSplits = False,
    quiet: Quiet = False,
) -> None:
    """Draw galleries and score the maps of a run against the annotated outlines."""
    options = resolve(config, override, data, quiet=quiet)
    radiographs, names = load_chosen(options, scheme, all_splits=all_splits)
    from osteolens.experiments import stages

    for name in names:
        say(stages.explain(options, radiographs, name))


def report(
    config: ConfigFile = None,
    override: Overrides = None,
    markdown: Annotated[Path | None, typer.Option(help="Write a short Markdown page there as well.")] = None,
    command: Annotated[str, typer.Option(help="The command to name on the Markdown page.")] = "osteolens run",
    quiet: Quiet = False,
) -> None:
    """Write one self-contained HTML page on all finished runs of an experiment."""
    options = resolve(config, override, None, quiet=quiet)
    from osteolens.interfaces.main_job import finished_runs, write_report
    from osteolens.reporting.results_page import write_results_page

    say(write_report(options))
    if markdown is not None:
        say(write_results_page(finished_runs(options), markdown, command=command))


def run(
    config: ConfigFile = None,
    override: Overrides = None,
    data: DataRoot = None,
    quiet: Quiet = False,
) -> None:
    """Do the whole job: audit, split, train, predict, evaluate, explain, report. What is current is not done again."""
    options = resolve(config, override, data, quiet=quiet)
    from osteolens.interfaces.main_job import main_job

    say(main_job(options))
