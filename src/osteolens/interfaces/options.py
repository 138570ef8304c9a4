"""The options that verbs share, each written once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from osteolens.config import Config, load_config
from osteolens.errors import ConfigError
from osteolens.progress import configure_logging

if TYPE_CHECKING:
    from osteolens.data.radiographs import RadiographSet

ConfigFile = Annotated[
    Path | None, typer.Option("--config", "-c", help="YAML file; the built-in defaults without it.", show_default=False)
]
Overrides = Annotated[
    list[str] | None,
    typer.Option(
        "--override", "-o", metavar="KEY=VALUE", help="Change one option, e.g. training.epochs=5. Repeatable."
    ),
]
DataRoot = Annotated[Path | None, typer.Option("--data", "-d", help="Data root; short for data.root.")]
Splits = Annotated[
    list[str] | None, typer.Option("--split", "-s", help="Split scheme. Repeatable. Default: training.split_strategy.")
]
AllSplits = Annotated[bool, typer.Option("--all-splits", help="Every scheme in data.split_schemes.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Only errors on standard error.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the answer as JSON on standard output.")]
Fresh = Annotated[bool, typer.Option("--fresh", help="Set an earlier run of the same name aside and start anew.")]
Run = Annotated[
    Path | None,
    typer.Option(
        help="Folder of the checkpoint's run: temperature, conformal sets and thresholds. Default: as it recorded.",
        show_default=False,
    ),
]

Predictions = Annotated[
    Path | None, typer.Option(help="Anybody's predictions, CSV or Excel, instead of a run's.", show_default=False)
]
LabelsTable = Annotated[
    Path | None, typer.Option("--labels", help="Table with the true labels of --predictions.", show_default=False)
]
SplitTable = Annotated[
    Path | None,
    typer.Option(help="CSV or Excel of image_id and split: what --predictions was trained on.", show_default=False),
]
ImageFile = Annotated[Path | None, typer.Option(help="One radiograph.", show_default=False)]
ImageFolder = Annotated[
    Path | None, typer.Option(help="A folder of radiographs, with its sub-folders.", show_default=False)
]
CheckpointFile = Annotated[
    Path | None,
    typer.Option(help="A checkpoint, or an exported model (.onnx).", show_default="inference.default_checkpoint"),
]

Accept = Annotated[
    list[str] | None,
    typer.Option(
        metavar="GATE",
        help="Answer pictures that this gate refuses, and say so. Repeatable. docs/inference.md lists the gates.",
        show_default=False,
    ),
]

Renormalise = Annotated[
    bool,
    typer.Option("--renormalise", help="Divide rows of --predictions that sum to 0.95 to 1.05 by their sum."),
]
EvaluationFolder = Annotated[
    Path | None,
    typer.Option("--out", help="Folder for the figures of --predictions.", show_default="results/evaluation"),
]


def resolve(config: Path | None, overrides: list[str] | None, data: Path | None, *, quiet: bool) -> Config:
    """Start logging and return the checked configuration."""
    configure_logging(quiet=quiet)
    chosen = list(overrides or ())
    if data is not None:
        chosen.append(f"data.root={data}")
    return load_config(config, chosen)


def load_chosen(config: Config, splits: list[str] | None, *, all_splits: bool) -> tuple[RadiographSet, list[str]]:
    """Return the radiographs and the schemes that a verb works on, a family as its members."""
    schemes = chosen_splits(config, splits, all_splits=all_splits)
    from osteolens.data.radiographs import load_radiographs
    from osteolens.data.splits import expand_schemes

    radiographs = load_radiographs(config.data)
    return radiographs, expand_schemes(schemes, radiographs, config)


def require_png(path: Path | None, option: str) -> None:
    """Raise :class:`ConfigError` for the path of a picture that would not be named as what it is."""
    if path is not None and path.suffix.lower() != ".png":
        raise ConfigError(f"{option} writes PNG, so {path} must end in .png.")


def picture_source(
    image: Path | None, input_dir: Path | None, checkpoint: Path | None, config: Config
) -> tuple[Path, Path]:
    """Return the radiograph or folder that a verb works on and its checkpoint, or tell all that is missing."""
    one_source = (image is None) != (input_dir is None)
    problem = None if one_source else "give either --image FILE or --input-dir FOLDER."
    return image or input_dir or Path(), chosen_checkpoint(checkpoint, config, problem)


def chosen_checkpoint(checkpoint: Path | None, config: Config, problem: str | None) -> Path:
    """Return the checkpoint that a verb works with; ConfigError tells that none is named, and `problem` with it."""
    chosen = checkpoint or config.inference.default_checkpoint
    problems = [] if problem is None else [problem]
    if chosen is None:
        problems.append("name a checkpoint with --checkpoint, or set inference.default_checkpoint.")
    if problems or chosen is None:
        raise ConfigError(*problems)
    return chosen


def require_outside(out: Path, input_dir: Path | None) -> None:
    """Raise :class:`ConfigError` where the pictures that are made would be taken for radiographs the next time."""
    if input_dir is not None and out.resolve().is_relative_to(input_dir.resolve()):
        raise ConfigError(
            f"--out {out} lies in --input-dir {input_dir}, so the next call would take the pictures that this one "
            "makes for radiographs. Choose a folder outside."
        )


def chosen_splits(config: Config, splits: list[str] | None, *, all_splits: bool) -> list[str]:
    """Return the schemes that a verb works on, checked like any other option."""
    if all_splits:
        return list(config.data.split_schemes)
    names = splits or [config.training.split_strategy]
    config.with_overrides(*(f"training.split_strategy={name}" for name in names))
    return names
