"""Which part of a predictions table is reported on, which one is chosen on, and by what a part is known again."""

from __future__ import annotations

from osteolens.domain import Column
from osteolens.evaluation.predictions import PredictionsTable
from osteolens.storage import sha256_bytes

IDENTITY = "predictions_sha256"  # under this name every record of figures holds the identity of the answers


def evaluation_parts(table: PredictionsTable) -> tuple[PredictionsTable, PredictionsTable | None]:
    """Return the part to report on and the part to choose on.

    They are test and val, val None where there is none; of a split without test, val and None.
    """
    if "test" not in table.splits:
        return table.part("val"), None
    return table.part("test"), table.part("val") if "val" in table.splits else None


def predictions_sha256(table: PredictionsTable) -> str:
    """Return the identity of the answers for a part: a hash of its ids, labels and probabilities.

    Notes
    -----
    SHA-256 of UTF-8 text, its lines joined by line feeds, their cells by tabs: the headings ``image_id``, ``label`` and
    ``prob_<class>`` in the order of the table, then the rows, sorted as text. A probability has the fewest digits that
    read back the same, as in ``predictions.csv``, so that anybody can work it out from that file (docs/evaluation.md).
    """
    columns = [Column.IMAGE_ID, Column.LABEL, *(f"{Column.PROBABILITY_PREFIX}{name}" for name in table.class_names)]
    cells = zip(*(table.frame[name].tolist() for name in columns), strict=True)
    rows = ("\t".join((image, label, *map(repr, values))) for image, label, *values in cells)
    return sha256_bytes("\n".join(["\t".join(columns), *sorted(rows)]).encode())
