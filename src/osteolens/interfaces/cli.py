"""The command ``osteolens``: one verb per stage. Verbs parse, call and answer; heavy imports wait until one runs."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

import osteolens
from osteolens.errors import EXIT_FAILURE, ConfigError, OsteolensError
from osteolens.interfaces.options import (
    AllSplits,
    AsJson,
    ConfigFile,
    DataRoot,
    Fresh,
    Overrides,
    Quiet,
    Splits,
    chosen_splits,
    resolve,
)
from osteolens.storage import to_json

EXIT_INTERRUPTED = 130

app = typer.Typer(
    name="osteolens",
    help="Classify bone radiographs, show where the network looked, and say how far it can be trusted.\n\n"
    + osteolens.NOT_FOR_CLINICAL_USE,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main() -> None:
    """Run a verb; every stated error becomes its sentence and its exit code."""
    try:
        app()
    except OsteolensError as error:
        sys.exit(_tell(str(error), error.exit_code))
    except KeyboardInterrupt:
        sys.exit(_tell("interrupted; run the same command again to go on.", EXIT_INTERRUPTED))
    except Exception as error:
        if os.environ.get("OSTEOLENS_DEBUG"):
            raise
        detail = f"{type(error).__name__}: {error}"
        sys.exit(_tell(f"unexpected: {detail}. Set OSTEOLENS_DEBUG=1 for the details, and report it.", EXIT_FAILURE))


def _tell(message: str, code: int) -> int:
    for line in message.splitlines():
        sys.stderr.write(f"error: {line}\n")
    return code


def _print(text: Any) -> None:
    sys.stdout.write(f"{text}\n")


@app.callback(invoke_without_command=True)
def _root(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    if version:
        _print(osteolens.__version__)
        raise typer.Exit


@app.command()
def phantom(
    config: ConfigFile = None,
    override: Overrides = None,
    data: DataRoot = None,
    sheet: Annotated[Path | None, typer.Option(help="Write a contact sheet (PNG) there as well.")] = None,
    quiet: Quiet = False,
) -> None:
    """Generate a phantom data set in the layout of BTXRD at data.root."""
    options = resolve(config, override, data, quiet=quiet)
    from osteolens.data.phantom import contact_sheet, generate_phantom

    chosen = options.phantom
    generate_phantom(options.data.root, images=chosen.images, longest_side=chosen.longest_side, seed=options.seed)
    _print(options.data.root)
    if sheet is not None:
        contact_sheet(options.data.root, sheet, columns=6, rows=2)
        _print(sheet)


@app.command()
def audit(
    config: ConfigFile = None,
    override: Overrides = None,
    data: DataRoot = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the report.")] = None,
    quiet: Quiet = False,
    json: AsJson = False,
) -> None:
    """Count, check and picture a data set: Markdown, HTML and JSON."""
    options = resolve(config, override, data, quiet=quiet)
    from osteolens.interfaces.main_job import audit_data

    result, report = audit_data(options, out)
    _print(to_json(result).rstrip() if json else report)


@app.command()
def split(
    config: ConfigFile = None,
    override: Overrides = None,
    data: DataRoot = None,
    scheme: Splits = None,
    all_splits: AllSplits = False,
    quiet: Quiet = False,
) -> None:
    """Divide a data set and write a manifest per scheme."""
    options = resolve(config, override, data, quiet=quiet)
    schemes = chosen_splits(options, scheme, all_splits=all_splits)
    from osteolens.data.radiographs import load_radiographs
    from osteolens.experiments import stages

    radiographs = load_radiographs(options.data)
    for name in schemes:
        manifest = stages.split(options, radiographs, name)
        counts = manifest.frame.groupby("split", sort=False).size()
        _print(f"{stages.manifest_path(options, name)}: " + ", ".join(f"{part} {n}" for part, n in counts.items()))


@app.command()
def leakcheck(
    manifest: Annotated[Path, typer.Argument(help="Any CSV with the columns image_id and split.")],
    group_column: Annotated[str | None, typer.Option(help="Column that names the patient or case.")] = None,
    limit: Annotated[float, typer.Option(min=0, max=1, help="Largest share with a sibling in train.")] = 0.0,
    quiet: Quiet = False,
    json: AsJson = False,
) -> None:
    """Tell which share of the evaluation images has a sibling in train; exit code 1 over the limit."""
    from osteolens.data import leakage
    from osteolens.interfaces.tables import leakage_table
    from osteolens.progress import configure_logging

    configure_logging(quiet=quiet)
    result = leakage.leakcheck(manifest, group_column=group_column, limit=limit)
    _print(to_json(result).rstrip() if json else f"{result['sentence']}\n\n{leakage_table(result)}")
    if not result["passed"]:
        raise typer.Exit(EXIT_FAILURE)


@app.command()
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
    schemes = chosen_splits(options, scheme, all_splits=all_splits)
    from osteolens.data.radiographs import load_radiographs
    from osteolens.experiments import stages
    from osteolens.models.checkpoint import checkpoint_path

    radiographs = load_radiographs(options.data)
    for name in schemes:
        stages.train_run(options, radiographs, name, fresh=fresh)
        _print(checkpoint_path(options, name, "best"))


@app.command()
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
    schemes = chosen_splits(options, scheme, all_splits=all_splits)
    from osteolens.data.radiographs import load_radiographs
    from osteolens.experiments import stages

    radiographs = load_radiographs(options.data)
    for name in schemes:
        _print(stages.predict(options, radiographs, name))


@app.command(name="eval")
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
        schemes = chosen_splits(options, scheme, all_splits=all_splits)
        from osteolens.data.radiographs import load_radiographs
        from osteolens.experiments import stages

        radiographs = load_radiographs(options.data)
        summaries = [stages.evaluate_run(options, radiographs, name) for name in schemes]
    for path in summaries:
        _print(path.read_text(encoding="utf-8").rstrip() if json else path)


@app.command()
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
    schemes = chosen_splits(options, scheme, all_splits=all_splits)
    from osteolens.data.radiographs import load_radiographs
    from osteolens.experiments import stages

    radiographs = load_radiographs(options.data)
    for name in schemes:
        _print(stages.explain(options, radiographs, name))


@app.command()
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

    _print(write_report(options))
    if markdown is not None:
        _print(write_results_page(finished_runs(options), markdown, command=command))


@app.command()
def run(
    config: ConfigFile = None,
    override: Overrides = None,
    data: DataRoot = None,
    quiet: Quiet = False,
) -> None:
    """Do the whole job: audit, split, train, predict, evaluate, explain, report. What is current is not done again."""
    options = resolve(config, override, data, quiet=quiet)
    from osteolens.interfaces.main_job import main_job

    _print(main_job(options))


@app.command()
def infer(
    image: Annotated[Path | None, typer.Option(help="One radiograph.")] = None,
    input_dir: Annotated[Path | None, typer.Option(help="A folder of radiographs.")] = None,
    checkpoint: Annotated[Path | None, typer.Option(help="Default: inference.default_checkpoint.")] = None,
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = Path("results/inference"),
    with_maps: Annotated[bool, typer.Option("--gradcam", help="Write an overlay PNG per picture.")] = False,
    config: ConfigFile = None,
    override: Overrides = None,
    quiet: Quiet = False,
    json: AsJson = False,
) -> None:
    """Answer for one radiograph or a folder; exit code 1 when a picture could not be read."""
    options = resolve(config, override, None, quiet=quiet)
    chosen = checkpoint or options.inference.default_checkpoint
    problems = []
    if (image is None) == (input_dir is None):
        problems.append("give either --image FILE or --input-dir FOLDER.")
    if chosen is None:
        problems.append("name a checkpoint with --checkpoint, or set inference.default_checkpoint.")
    if problems or chosen is None:
        raise ConfigError(*problems)
    from osteolens.inference import batch
    from osteolens.inference.predictor import Predictor
    from osteolens.interfaces.tables import answers_table

    paths = [image] if image is not None else batch.list_pictures(input_dir or Path())
    predictor = Predictor.from_checkpoint(chosen, options.training.accelerator)
    result = batch.infer(predictor, paths, out, gradcam=with_maps)
    _print(to_json(result.to_dict(predictor)).rstrip() if json else answers_table(result, predictor, out))
    if result.failures:
        raise typer.Exit(EXIT_FAILURE)
