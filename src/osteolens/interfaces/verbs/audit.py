"""The verb that looks a data set over."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from osteolens.interfaces.options import AsJson, ConfigFile, DataRoot, Overrides, Quiet, resolve
from osteolens.interfaces.terminal import say
from osteolens.storage import to_json


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
    say(to_json(result).rstrip() if json else report)
