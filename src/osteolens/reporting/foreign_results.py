"""The files that the evaluation of anybody's predictions left, read and checked against each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from osteolens.evaluation.evaluate import HONESTY_FILE
from osteolens.evaluation.parts import predictions_sha256
from osteolens.evaluation.predictions import PredictionsTable
from osteolens.experiments.compared_folders import read_compared, require_same_answers
from osteolens.reporting.evaluation_results import EvaluationResults, check_figures, read_figures
from osteolens.reporting.records import present, record
from osteolens.reporting.run_shapes import ForeignProvenance
from osteolens.storage import RunFolder

_VERB = "eval --predictions"


@dataclass(frozen=True, slots=True)
class ForeignResults(EvaluationResults):
    """Figures of answers that osteolens did not make.

    Attributes
    ----------
    table
        The answers for all parts but train.
    provenance
        Content of ``provenance.json``, see :func:`osteolens.experiments.foreign.evaluate_table`.
    """

    table: PredictionsTable
    provenance: dict[str, Any]

    @property
    def caveats(self) -> list[str]:
        """What the figures cannot tell because of what the table lacks, in sentences."""
        return list(self.honesty["caveats"])

    @property
    def conclusion(self) -> str:
        """What may be concluded, without the :attr:`caveats` that stand before it in ``honesty.json``."""
        return str(self.honesty["conclusion"]).removeprefix(" ".join(self.caveats)).lstrip()


def read_foreign(folder: RunFolder) -> ForeignResults:
    """Read the folder that :func:`osteolens.experiments.foreign.evaluate_table` wrote.

    Raises
    ------
    DataError
        A file is missing, is damaged, or is of other answers than the others.
    """
    for path in (folder.predictions, folder.root / HONESTY_FILE):
        present(path, _VERB)
    found = read_figures(folder.root, _VERB)
    compared, leakage = read_compared(folder), found["honesty"]["leakage"]
    if not leakage["possible"]:
        reason = str(leakage["reason"])
        leakage = {"sentence": f"{reason[0].upper()}{reason[1:]}."}
    results = ForeignResults(
        folder=folder,
        compared=compared,
        leakage=leakage,
        table=PredictionsTable.from_csv(folder.predictions),
        provenance=record(folder.provenance, _VERB, ForeignProvenance),
        **found,
    )
    check_figures(results, folder.root, results.table, _VERB)
    identity = predictions_sha256(compared.table)
    require_same_answers(folder.provenance, results.provenance, identity, folder.predictions, _VERB)
    return results
