"""What a metadata table must keep to: every rule with its severity and the sentence that tells a departure.

The checks of :mod:`osteolens.data.violations` and the dataset specification both read this list.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule.

    Attributes
    ----------
    about
        The column, the group of columns, or ``table``.
    severity
        ``error``: label or identity is in doubt, the table is refused. ``warning``: told, and read on.
    sentence
        What is told of a departure; ``{value}`` stands for what was found.
    """

    about: str
    severity: Severity
    sentence: str


SEPARATOR = Rule("table", "warning", "the cells are separated by {value} instead of a comma; they were read that way.")
NOT_UTF8 = Rule("table", "error", "{value} is not UTF-8 text; save the table as CSV UTF-8.")
MERGED = Rule("table", "error", "the cells {value} are merged; undo the merge and fill in each cell.")
LONG_ROW = Rule("table", "error", "the row has more cells than the heading: {value}; remove the extra separators.")
SHORT_ROW = Rule("table", "warning", "the row has fewer cells than the heading: {value}; the others count as empty.")
NO_ROWS = Rule("table", "error", "the table holds no rows below its heading.")
REPEATED_COLUMN = Rule("table", "error", "more than one column means {value}; keep one of each.")
NAMELESS_COLUMN = Rule("table", "warning", "{value} has cells but no heading; it is left out.")
UNKNOWN_COLUMN = Rule("table", "warning", "{value} is no column of the release; it is kept as text.")
ABSENT_COLUMN = Rule("table", "warning", "the table has no such column.")
FORMULA = Rule("any column", "error", "{value} is a formula; paste its value instead.")
FAILED_FORMULA = Rule("any column", "error", "{value} is the error of a formula; type the value instead.")

NO_ID_COLUMN = Rule("image_id", "error", "there is no column image_id among {value}; name the images in such a column.")
EMPTY_ID = Rule("image_id", "error", "the image has no id.")
REPEATED_ID = Rule("image_id", "error", "the image is already in row {value}.")
NO_LABEL_COLUMN = Rule(
    "label", "error", "there are neither the flags benign and malignant nor a column label; name yours in data.columns."
)
EMPTY_LABEL = Rule("label", "error", "the image has no label.")
LABEL_AGAINST_FLAGS = Rule("label", "error", "{value} contradicts the flags benign and malignant.")
BENIGN_AND_MALIGNANT = Rule("malignant", "error", "the tumour is both benign and malignant.")
FLAG = Rule("every flag", "error", "must be 0 or 1, not {value}.")
TUMOR = Rule("tumor", "warning", "is {value}, against the flags benign and malignant.")
AGE = Rule("age", "warning", "{value} is not an age of 0 to 120 years; it counts as missing.")
CENTER = Rule("center", "warning", "{value} is not one of 1, 2, 3.")
GENDER = Rule("gender", "warning", "{value} is not one of F, M.")

NO_VIEW = Rule("view", "warning", "no view is given.")
VIEWS = Rule("view", "warning", "more than one view is given.")
NO_REGION = Rule("body region", "warning", "no body region is given.")
REGIONS = Rule("body region", "warning", "more than one body region is given.")
NO_SITE = Rule("site", "warning", "the tumour has no site.")
SITES = Rule("site", "warning", "the tumour has more than one site.")
SITE_OF_NORMAL = Rule("site", "warning", "a site is given without a tumour.")
NORMALS_WITHOUT_SITE = Rule("site", "warning", "{value} normal images have no site, so a site tells their class.")
NO_SUBTYPE = Rule("subtype", "warning", "the tumour has no subtype.")
SUBTYPES = Rule("subtype", "warning", "the tumour has more than one subtype.")
SUBTYPE_OF_NORMAL = Rule("subtype", "warning", "a subtype is given without a tumour.")
BENIGN_SUBTYPE_OF_MALIGNANT = Rule("subtype", "warning", "a malignant tumour has a benign subtype.")
MALIGNANT_SUBTYPE_OF_BENIGN = Rule("subtype", "warning", "a benign tumour has a malignant subtype.")

RULES: tuple[Rule, ...] = tuple(value for value in list(globals().values()) if isinstance(value, Rule))
