"""Which part of a predictions table is reported on, and which one is chosen on."""

from __future__ import annotations

from osteolens.evaluation.predictions import PredictionsTable


def evaluation_parts(table: PredictionsTable) -> tuple[PredictionsTable, PredictionsTable | None]:
    """Return the part to report on and the part to choose on.

    They are test and val, val None where there is none; of a split without test, val and None.
    """
    if "test" not in table.splits:
        return table.part("val"), None
    return table.part("test"), table.part("val") if "val" in table.splits else None
