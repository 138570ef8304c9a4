"""What it means for a run's figures how far its evaluated images are from its train images."""

from __future__ import annotations

from osteolens.data.audit.findings import Severity
from osteolens.evaluation.compared_run import Kind

HONEST: frozenset[Kind] = frozenset({"new_cases", "new_sources"})
MEANING: dict[Kind, str] = {
    "leaking": "Its figures also reward recognising what was seen in training, so they are likely too high.",
    "new_cases": "Its figures are of cases that training has not seen.",
    "new_sources": "Its figures are of sources, such as hospitals, that training has not seen.",
    "unknown": "What these images share with train is not known, so nobody can tell whether the figures are honest.",
}
SEVERITY: dict[Kind, Severity] = {
    "leaking": "problem",
    "new_cases": "note",
    "new_sources": "note",
    "unknown": "caution",
}
