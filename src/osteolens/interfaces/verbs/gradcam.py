"""The verb that shows where a network looked."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from osteolens.domain import IMAGE_SUFFIXES
from osteolens.errors import EXIT_FAILURE, ConfigError
from osteolens.interfaces.options import (
    Accept,
    AllSplits,
    AsJson,
    CheckpointFile,
    ConfigFile,
    DataRoot,
    ImageFile,
    ImageFolder,
    Overrides,
    Quiet,
    Splits,
    load_chosen,
    picture_source,
    require_outside,
    require_png,
    resolve,
)
from osteolens.interfaces.terminal import say

if TYPE_CHECKING:
    from osteolens.config import Config
    from osteolens.inference.explained import MapFormat

DEFAULT_FOLDER = Path("results/gradcam")
FORMATS: dict[str, MapFormat] = {"png": "png", "npy": "npy"}

Proof = Annotated[
    bool, typer.Option("--proof", help="Of a run: also try whether its maps mean something (sanity.json).")
]
ClassName = Annotated[
    str | None,
    typer.Option("--class", help="Of pictures: the class whose evidence is shown, or all.", show_default="the answer"),
]
Out = Annotated[
    Path | None,
    typer.Option(help="Of pictures: a folder, or a .png for one --image.", show_default=str(DEFAULT_FOLDER)),
]
Maps = Annotated[
    str | None,
    typer.Option(help="Of pictures: write each map itself as well, png (16 bit) or npy.", show_default=False),
]


def gradcam(
    config: ConfigFile = None,
    override: Overrides = None,
    data: DataRoot = None,
    scheme: Splits = None,
    all_splits: AllSplits = False,
    proof: Proof = False,
    image: ImageFile = None,
    input_dir: ImageFolder = None,
    class_name: ClassName = None,
    checkpoint: CheckpointFile = None,
    out: Out = None,
    maps: Maps = None,
    accept: Accept = None,
    quiet: Quiet = False,
    json: AsJson = False,
) -> None:
    """Show where the network looked: galleries and map scores of a run, or overlays for --image or --input-dir."""
    of_run = {"--split": scheme, "--all-splits": all_splits, "--data": data, "--proof": proof}
    of_pictures: dict[str, object] = {"--class": class_name, "--checkpoint": checkpoint, "--out": out, "--maps": maps}
    of_pictures |= {"--accept": accept, "--json": json}
    for_pictures = image is not None or input_dir is not None
    _check_sources(of_run if for_pictures else of_pictures, for_pictures=for_pictures)
    options = resolve(config, override, data, quiet=quiet)
    if for_pictures:
        out = out or DEFAULT_FOLDER
        source, chosen = picture_source(image, input_dir, checkpoint, options)
        _check_files(image, input_dir, out, maps)
        from osteolens.inference.reading import list_pictures

        paths = [source] if image is not None else list_pictures(source)
        _explain_pictures(options, paths, chosen, class_name, out, maps, accept or [], json=json)
        return
    radiographs, names = load_chosen(options, scheme, all_splits=all_splits)
    from osteolens.experiments import explanation
    from osteolens.reporting.map_index import write_map_index
    from osteolens.training.run import run_folder

    for name in names:
        folder = explanation.explain(options, radiographs, name)
        write_map_index(run_folder(options, name))
        say(folder)
        if proof:
            say(explanation.prove(options, radiographs, name))


def _explain_pictures(
    options: Config,
    paths: list[Path],
    checkpoint: Path,
    class_name: str | None,
    out: Path,
    maps: str | None,
    accept: list[str],
    *,
    json: bool,
) -> None:
    from osteolens.inference.explained import Destination, explain_files
    from osteolens.inference.predictor import Predictor
    from osteolens.interfaces.tables import maps_table
    from osteolens.storage import to_json

    predictor = Predictor.from_file(checkpoint, options.training.accelerator, options=options.inference, accept=accept)
    files = Destination(out, None if maps is None else FORMATS[maps])
    result = explain_files(predictor, paths, files, options=options.explanation, class_name=class_name)
    say(to_json(result.to_dict(predictor)).rstrip() if json else maps_table(result, out))
    if result.failures:
        raise typer.Exit(EXIT_FAILURE)


def _check_sources(misplaced: Mapping[str, object], *, for_pictures: bool) -> None:
    """Raise :class:`ConfigError` for options of a run given with pictures, or the reverse."""
    given = ", ".join(name for name, value in misplaced.items() if value)
    if given and for_pictures:
        raise ConfigError(f"{given} can be used for a run only; leave out --image and --input-dir for that.")
    if given:
        raise ConfigError(f"{given} can be used with --image FILE or --input-dir FOLDER only.")


def _check_files(image: Path | None, input_dir: Path | None, out: Path, maps: str | None) -> None:
    """Raise :class:`ConfigError` where what is made could not be written as asked for, or over what is read."""
    if maps is not None and maps not in FORMATS:
        raise ConfigError(f"--maps is {' or '.join(FORMATS)}, not {maps}.")
    require_outside(out, input_dir)
    if input_dir is not None and out.suffix.lower() == ".png":
        raise ConfigError(f"--input-dir needs a folder for its pictures, so --out must not be the file {out}.")
    if image is not None and out.resolve() == image.resolve():
        raise ConfigError(f"--out {out} is the radiograph itself. Choose another file or a folder.")
    if out.suffix.lower() in IMAGE_SUFFIXES:
        require_png(out, "--out")
