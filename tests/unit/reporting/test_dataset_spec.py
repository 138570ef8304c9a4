from __future__ import annotations

from pathlib import Path

from osteolens.data.rules import RULES, Rule
from osteolens.reporting.dataset_spec import dataset_specification

COMMITTED = Path(__file__).resolve().parents[3] / "docs" / "dataset-specification.md"


def rows(heading: str) -> list[list[str]]:
    """The cells of the table below a heading of the document, without the table's own heading."""
    chapter = dataset_specification().split(f"## {heading}\n")[1].split("\n## ")[0]
    table = [line for line in chapter.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table[2:]]


def test_the_committed_document_is_the_one_that_the_schema_gives() -> None:
    """If this fails: osteolens specification --out docs/dataset-specification.md."""
    assert COMMITTED.read_text(encoding="utf-8") == dataset_specification()


def test_all_37_columns_are_described() -> None:
    table = rows("Columns")
    assert [row[0] for row in table] == [str(number) for number in range(1, 38)]
    assert all(len(row) == 6 and row[3] and row[4].endswith(".") for row in table)
    by_name = {row[1]: row for row in table}
    assert by_name["ankle-joint"][2:] == ["site", "0, 1", "1 if the tumour lies in the ankle joint, else 0.", "ankle"]
    assert by_name["osteosarcoma"][2] == "malignant subtype"
    assert by_name["center"][3] == "1, 2, 3"
    groups = [row[2] for row in table]
    assert {group: groups.count(group) for group in dict.fromkeys(groups)} == {
        "": 7,
        "site": 15,
        "benign subtype": 7,
        "malignant subtype": 2,
        "body region": 3,
        "view": 3,
    }


def test_every_rule_that_is_checked_is_told() -> None:
    told = rows("What is checked")
    assert len(told) == len(RULES) == len({rule.sentence for rule in RULES})
    assert ["site", "warning", "the tumour has more than one site."] in told
    assert ["age", "warning", "… is not an age of 0 to 120 years; it counts as missing."] in told
    assert all(isinstance(rule, Rule) and rule.sentence.endswith(".") for rule in RULES)
