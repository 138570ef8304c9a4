"""What is in a data set, and what in it could mislead a network or a reader of its results."""

from osteolens.data.audit.grouping import leakage_of_splits
from osteolens.data.audit.run import AuditResult, audit

__all__ = ["AuditResult", "audit", "leakage_of_splits"]
