"""The command ``osteolens``: one verb per stage. Verbs parse, call and answer; heavy imports wait until one runs."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

import osteolens
from osteolens.errors import EXIT_FAILURE, OsteolensError
from osteolens.interfaces.terminal import say
from osteolens.interfaces.verbs import (
    answers,
    audit,
    compare,
    dicom_results,
    download,
    export,
    gradcam,
    phantom,
    robustness,
    runs,
    splits,
)

EXIT_INTERRUPTED = 130
EXIT_TERMINATED = 143


class _Terminated(KeyboardInterrupt):
    """The system or a scheduler asks the command to end."""


class _Verbs(TyperGroup):
    def invoke(self, ctx: Any) -> Any:
        """Tell how to go on after an interrupt: Typer would end the process without a word."""
        before = signal.signal(signal.SIGTERM, _terminate)
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as stop:
            code = EXIT_TERMINATED if isinstance(stop, _Terminated) else EXIT_INTERRUPTED
            sys.exit(_tell("interrupted; run the same command again to go on.", code))
        finally:
            signal.signal(signal.SIGTERM, before)


app = typer.Typer(
    name="osteolens",
    cls=_Verbs,
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
    except Exception as error:
        if os.environ.get("OSTEOLENS_DEBUG"):
            raise
        detail = f"{type(error).__name__}: {error}"
        sys.exit(_tell(f"unexpected: {detail}. Set OSTEOLENS_DEBUG=1 for the details, and report it.", EXIT_FAILURE))


def _terminate(_signal: int, _frame: object) -> None:
    raise _Terminated


def _tell(message: str, code: int) -> int:
    for line in message.splitlines():
        sys.stderr.write(f"error: {line}\n")
    return code


@app.callback(invoke_without_command=True)
def _root(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    if version:
        say(osteolens.__version__)
        raise typer.Exit


VERBS: dict[str, Callable[..., None]] = {
    "download": download.download,
    "phantom": phantom.phantom,
    "audit": audit.audit,
    "specification": audit.specification,
    "split": splits.split,
    "leakcheck": splits.leakcheck,
    "train": runs.train,
    "predict": runs.predict,
    "eval": runs.evaluate,
    "gradcam": gradcam.gradcam,
    "robustness": robustness.robustness,
    "compare": compare.compare,
    "report": runs.report,
    "run": runs.run,
    "infer": answers.infer,
    "export": export.export,
    "dicom-results": dicom_results.dicom_results,
    "dicom-node": dicom_results.dicom_node,
}
for _name, _verb in VERBS.items():
    app.command(name=_name)(_verb)
