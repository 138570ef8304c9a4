"""The verbs that look a data set over and say what it must look like."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from osteolens.errors import DataError
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
    """Count, check and picture a data set: Markdown, HTML, JSON, and the departures from the schema as CSV."""
    options = resolve(config, override, data, quiet=quiet)
    from osteolens.data.schema import MetadataError
    from osteolens.interfaces.main_job import audit_data, audit_folder
    from osteolens.reporting.audit_report import write_violations

    try:
        result, report = audit_data(options, out)
    except MetadataError as error:
        table = write_violations(error.violations, out or audit_folder(options))
        raise DataError(f"{error}\nAll departures are in {table}.") from error
    say(to_json(result).rstrip() if json else report)


def specification(
    out: Annotated[Path | None, typer.Option(help="Write it there instead of printing it.")] = None,
) -> None:
    """Print the specification of the data set, Markdown written from the schema: layout, 37 columns, checks."""
    from osteolens.reporting.dataset_spec import dataset_specification
    from osteolens.storage import write_text

    text = dataset_specification()
    say(text.rstrip() if out is None else write_text(out, text))
