"""The verb that measures what corrupted pictures cost."""

from __future__ import annotations

from typing import Annotated

import typer

from osteolens.interfaces.options import (
    AllSplits,
    AsJson,
    ConfigFile,
    DataRoot,
    Overrides,
    Quiet,
    Splits,
    load_chosen,
    resolve,
)
from osteolens.interfaces.terminal import say


def robustness(
    config: ConfigFile = None,
    override: Overrides = None,
    data: DataRoot = None,
    scheme: Splits = None,
    all_splits: AllSplits = False,
    only: Annotated[
        str | None, typer.Option(help="Corruptions, separated by commas, e.g. noise,blur. Default: all.")
    ] = None,
    quiet: Quiet = False,
    json: AsJson = False,
) -> None:
    """Measure what noise, blur, brightness, contrast, rotation, inversion and blanked borders cost a run."""
    options = resolve(config, override, data, quiet=quiet)
    radiographs, names = load_chosen(options, scheme, all_splits=all_splits)
    from osteolens.experiments.robustness import measure_robustness

    chosen = [name.strip() for name in only.split(",")] if only is not None else []
    for name in names:
        path = measure_robustness(options, radiographs, name, chosen)
        say(path.read_text(encoding="utf-8").rstrip() if json else path)
