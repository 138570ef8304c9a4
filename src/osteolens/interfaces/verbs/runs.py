"""Verbs on runs of an experiment."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from osteolens.errors import ConfigError
from osteolens.interfaces.options import (
    AllSplits,
    AsJson,
    ConfigFile,
    DataRoot,
    EvaluationFolder,
    Fresh,
    LabelsTable,
    Overrides,
    Predictions,
    Quiet,
    Renormalise,
    Splits,
    SplitTable,
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
    predictions: Predictions = None,
    labels: LabelsTable = None,
    split_table: SplitTable = None,
    renormalise: Renormalise = False,
    out: EvaluationFolder = None,
    quiet: Quiet = False,
    json: AsJson = False,
) -> None:
    """Work out the figures of a run, or of anybody's predictions, with intervals."""
    of_table = {"--labels": labels, "--split-table": split_table, "--renormalise": renormalise or None, "--out": out}
    _check_sources(predictions, of_table, has_scheme=bool(scheme) or all_splits)
    options = resolve(config, override, data, quiet=quiet)
    if predictions is None:
        radiographs, names = load_chosen(options, scheme, all_splits=all_splits)
        from osteolens.experiments import stages

        for name in names:
            _say_figures(stages.evaluate_run(options, radiographs, name), json=json)
        return
    from osteolens.data.radiographs import load_radiographs
    from osteolens.experiments.foreign import evaluate_table, telling_of_earlier
    from osteolens.reporting.foreign_report import write_foreign_report
    from osteolens.reporting.foreign_results import read_foreign
    from osteolens.storage import RunFolder

    folder = out or Path("results/evaluation")
    tables = {"labels": labels, "split_table": split_table}
    with telling_of_earlier(folder):
        pictures = None if data is None else load_radiographs(options.data)
        summary = evaluate_table(predictions, folder, options, **tables, data=pictures, renormalise=renormalise)
    results = read_foreign(RunFolder(folder))
    page = write_foreign_report(results)
    if not (json or quiet):
        say(results.conclusion)  # each caveat was a warning already
    _say_figures(summary, json=json)
    if not json:
        say(page)


def _say_figures(summary: Path, *, json: bool) -> None:
    say(summary.read_text(encoding="utf-8").rstrip() if json else summary)


def _check_sources(predictions: Path | None, of_table: Mapping[str, object], *, has_scheme: bool) -> None:
    """Raise :class:`ConfigError` for options of a run given with those of a predictions table."""
    if predictions is not None and has_scheme:
        raise ConfigError(
            "--predictions is evaluated without --split and --all-splits; what the model was trained on is given with "
            "--split-table FILE."
        )
    if predictions is None and (given := [name for name, value in of_table.items() if value is not None]):
        raise ConfigError(f"{', '.join(given)} can be used with --predictions FILE only.")


def report(
    config: ConfigFile = None,
    override: Overrides = None,
    markdown: Annotated[Path | None, typer.Option(help="Write a short Markdown page there as well.")] = None,
    command: Annotated[str, typer.Option(help="The command to name on the Markdown page.")] = "osteolens run",
    quiet: Quiet = False,
) -> None:
    """Write the pages on all finished runs of an experiment, their model cards and the proof-of-concept report."""
    options = resolve(config, override, None, quiet=quiet)
    from osteolens.interfaces.main_job import write_report

    say(write_report(options, markdown, command=command))
    if markdown is not None:
        say(markdown)


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
