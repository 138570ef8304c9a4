"""Verbs that answer for new pictures."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from osteolens.errors import EXIT_FAILURE, ConfigError
from osteolens.interfaces.options import (
    Accept,
    AsJson,
    CheckpointFile,
    ConfigFile,
    ImageFile,
    ImageFolder,
    Overrides,
    Quiet,
    Run,
    chosen_checkpoint,
    require_outside,
    resolve,
)
from osteolens.interfaces.terminal import say

if TYPE_CHECKING:
    from osteolens.config import Config
    from osteolens.inference.answering import Answering
    from osteolens.inference.batch import BatchResult
    from osteolens.inference.cases import AnsweredCase
    from osteolens.inference.predictor import Predictor

STANDARD_INPUT = "-"

Sources = Annotated[
    list[str] | None,
    typer.Argument(
        help="Files, folders and patterns ('studies/**/*.dcm'); - for a list of files on standard input.",
        show_default=False,
    ),
]
Null = Annotated[
    bool, typer.Option("--null", "-0", help="Paths on standard input end with a zero byte, not with the line.")
]
Fresh = Annotated[bool, typer.Option("--fresh", help="Throw away an unfinished batch in --out and start anew.")]
OnRay = Annotated[
    str | None,
    typer.Option("--ray", metavar="ADDRESS", help="Answer on a Ray cluster; local starts one.", show_default=False),
]
Cases = Annotated[
    str | None,
    typer.Option(
        metavar="folders|FILE",
        help="One answer per case as well: pictures of a folder are one case, or a CSV tells (image, case).",
        show_default=False,
    ),
]


def infer(
    sources: Sources = None,
    image: ImageFile = None,
    input_dir: ImageFolder = None,
    checkpoint: CheckpointFile = None,
    run: Run = None,
    accept: Accept = None,
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = Path("results/inference"),
    with_maps: Annotated[bool, typer.Option("--gradcam", help="Write an overlay PNG per picture.")] = False,
    cases: Cases = None,
    null: Null = False,
    fresh: Fresh = False,
    ray: OnRay = None,
    config: ConfigFile = None,
    override: Overrides = None,
    quiet: Quiet = False,
    json: AsJson = False,
) -> None:
    """Answer for radiographs; exit code 1 when one could not be read or was refused. An interrupted call goes on."""
    options = resolve(config, override, None, quiet=quiet)
    given = len([source for source in (image, input_dir, sources) if source])
    problem = "give either --image FILE or --input-dir FOLDER, or name files, folders or patterns."
    chosen = chosen_checkpoint(checkpoint, options, None if given == 1 else problem)
    if with_maps:
        for folder in (input_dir, *(Path(source) for source in sources or () if Path(source).is_dir())):
            require_outside(out, folder)
    from osteolens.inference import batch
    from osteolens.inference.predictor import Predictor

    paths = _paths(image, input_dir, sources or [], null=null)
    case_of = None if cases is None else _case_of(cases, paths)
    open_predictor = partial(
        Predictor.from_file,
        *(chosen, options.training.accelerator),
        run=run,
        options=options.inference,
        accept=accept or (),
    )
    predictor = open_predictor()
    result = batch.infer(
        predictor,
        paths,
        out,
        explanation=options.explanation if with_maps else None,
        options=options.inference,
        fresh=fresh,
        answering=None if ray is None else _on_ray(ray, predictor, open_predictor, options),
    )
    answered = None if case_of is None else _answer_cases(result, predictor, case_of)
    _tell(result, predictor, answered, json=json)
    if result.refused:
        raise typer.Exit(EXIT_FAILURE)


def _on_ray(address: str, predictor: Predictor, open_predictor: Callable[[], Predictor], options: Config) -> Answering:
    from osteolens.inference.ray_parts import answer_on_ray

    workers = options.inference.ray_workers
    return partial(answer_on_ray, predictor, open_predictor=open_predictor, address=address, workers=workers)


def _paths(image: Path | None, input_dir: Path | None, sources: list[str], *, null: bool) -> list[Path]:
    """Return the files that are named, and read a list of them where it is asked for."""
    from osteolens.inference.reading import list_pictures
    from osteolens.inference.sources import list_sources, parse_list

    if null and STANDARD_INPUT not in sources:
        raise ConfigError("--null is about a list on standard input. Name it with -, or leave --null out.")
    if image is not None:
        return [image]
    if input_dir is not None:
        return list_pictures(input_dir)
    named: list[str] = []
    for source in sources:
        named += parse_list(sys.stdin.buffer.read(), null=null) if source == STANDARD_INPUT else [source]
    if not named:
        raise ConfigError("the list on standard input is empty. Give it one path per line.")
    return list_sources(named)


def _case_of(grouping: str, paths: list[Path]) -> dict[str, str]:
    """Return the case of each picture by its name; a table that lacks one is refused before anything is answered."""
    from osteolens.inference.cases import cases_of
    from osteolens.inference.reading import name_files

    return cases_of(grouping, [name for _, name in name_files(paths)])


def _answer_cases(result: BatchResult, predictor: Predictor, case_of: dict[str, str]) -> list[AnsweredCase]:
    from osteolens.inference.cases import answer_cases, write_cases

    class_names = predictor.network.class_names
    answered = answer_cases(result.answers, result.failures, case_of, class_names)
    write_cases(result.out, answered, class_names)
    return answered


def _tell(result: BatchResult, predictor: Predictor, answered_cases: list[AnsweredCase] | None, *, json: bool) -> None:
    from osteolens.interfaces.answers_table import answers_table, cases_table

    if json:
        with result.record.open(encoding="utf-8") as record:
            shutil.copyfileobj(record, sys.stdout)
    else:
        if answered_cases is not None:
            say(cases_table(answered_cases, predictor.network.class_names))
        say(answers_table(result, predictor))
