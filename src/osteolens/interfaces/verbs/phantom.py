"""The verb that generates a data set."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from osteolens.interfaces.options import ConfigFile, DataRoot, Overrides, Quiet, resolve
from osteolens.interfaces.terminal import say


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
    say(options.data.root)
    if sheet is not None:
        contact_sheet(options.data.root, sheet, columns=6, rows=2)
        say(sheet)
