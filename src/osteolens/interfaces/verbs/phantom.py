"""The verb that generates a data set."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from osteolens.interfaces.options import ConfigFile, DataRoot, Overrides, Quiet, require_png, resolve
from osteolens.interfaces.terminal import say


def phantom(
    config: ConfigFile = None,
    override: Overrides = None,
    data: DataRoot = None,
    sheet: Annotated[Path | None, typer.Option(help="Write a contact sheet (PNG) there as well.")] = None,
    zip_file: Annotated[
        Path | None, typer.Option("--zip", help="Write it there as well as a ZIP, as odd as that of the release.")
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Generate a phantom data set in the layout of BTXRD at data.root."""
    options = resolve(config, override, data, quiet=quiet)
    require_png(sheet, "--sheet")
    from osteolens.data.phantom import contact_sheet, generate_phantom, write_release_zip

    generate_phantom(options.data.root, seed=options.seed, **dict(options.phantom))
    say(options.data.root)
    if sheet is not None:
        contact_sheet(options.data.root, sheet, columns=6, rows=2)
        say(sheet)
    if zip_file is not None:
        say(write_release_zip(options.data.root, zip_file))
