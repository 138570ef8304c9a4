"""The specification of the data set, written from the schema so that it cannot differ from what is checked."""

from __future__ import annotations

from osteolens.data import columns, rules
from osteolens.data.columns import COLUMNS, SPELLINGS, ColumnSpec
from osteolens.domain import IMAGE_SUFFIXES
from osteolens.reporting.html import render

_GROUPS = {
    "site": columns.SITES,
    "benign subtype": columns.BENIGN_SUBTYPES,
    "malignant subtype": columns.MALIGNANT_SUBTYPES,
    "body region": columns.REGIONS,
    "view": columns.VIEWS,
}
_VALUES = {
    "image_id": "text, once per table",
    "center": ", ".join(columns.CENTERS),
    "age": "0 to 120, or empty",
    "gender": ", ".join(columns.GENDERS),
}
_FOUND = "…"  # stands for the value in a rule's sentence


def dataset_specification() -> str:
    """Return the specification as Markdown: layout, label rule, the 37 columns, what is checked."""
    return render(
        "dataset_spec.md.j2",
        columns=[_column_row(number, column) for number, column in enumerate(COLUMNS, start=1)],
        rules=[(rule.about, rule.severity, rule.sentence.replace("{value}", _FOUND)) for rule in rules.RULES],
        suffixes=", ".join(IMAGE_SUFFIXES),
        other_gender_spellings=", ".join(name for name in columns.GENDER_SPELLINGS if name not in columns.GENDERS),
    )


def _column_row(number: int, column: ColumnSpec) -> tuple[str, ...]:
    group = next((name for name, members in _GROUPS.items() if column.name in members), "")
    values = _VALUES.get(column.name, "0, 1")
    spellings = ", ".join(spelling for spelling, name in SPELLINGS.items() if name == column.name)
    return str(number), column.name, group, values, column.meaning, spellings
