"""leakcheck: how much of an evaluation part is recognition of cases or pictures that training has seen."""

from osteolens.data.leakage.check import leakcheck
from osteolens.data.leakage.measure import measure_leakage

__all__ = ["leakcheck", "measure_leakage"]
