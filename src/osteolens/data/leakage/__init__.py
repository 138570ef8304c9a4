"""leakcheck: how much of an evaluation part is recognition of cases or pictures that training has seen."""

from osteolens.data.leakage.check import leakcheck, manifest_leakage
from osteolens.data.leakage.measure import measure_leakage

__all__ = ["leakcheck", "manifest_leakage", "measure_leakage"]
