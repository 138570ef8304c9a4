"""Split schemes: a data set to manifests, each with a record by which it checks itself."""

from osteolens.data.splits.make import expand_schemes, make_split
from osteolens.data.splits.record import check_split, class_counts, warnings_on, write_split

__all__ = ["check_split", "class_counts", "expand_schemes", "make_split", "warnings_on", "write_split"]
