"""Where a data root has cases and sources from. IMG000001 to IMG000003 are malignant in the release."""

from __future__ import annotations

from pathlib import Path

import pytest

from osteolens.config import DataOptions
from osteolens.data.radiographs import load_radiographs
from osteolens.experiments.foreign_origins import of_data_set


@pytest.mark.parametrize(
    ("metadata", "tables", "cases", "source"),
    [
        ("", (), ["built-in table of BTXRD"] * 2, "built-in table of BTXRD"),
        ("", ("cases.csv",), ["cases.csv of the data set films"] * 2, "cases.csv of the data set films"),
        (
            *("case_id", ("cases.csv",)),
            ["column case_id of the data set films", "cases.csv of the data set films"],
            "cases.csv of the data set films",
        ),
        (
            *("case_id", ("cases.csv", "named.csv")),
            ["named.csv of the data set films"] * 2,
            "named.csv of the data set films",
        ),
    ],
)
def test_a_data_root_tells_by_column_then_by_table(
    tmp_path: Path, metadata: str, tables: tuple[str, ...], cases: list[str], source: str
) -> None:
    root = tmp_path / "films"
    (root / "images").mkdir(parents=True)
    for name in ("IMG000001.jpeg", "IMG000002.jpeg"):
        (root / "images" / name).touch()
    heading, cells = (f",{metadata}", ("p1", "")) if metadata else ("", ())
    rows = [",".join((f"IMG00000{number}.jpeg,Malignant", *cells[number - 1 : number])) for number in (1, 2)]
    (root / "dataset.csv").write_text("\n".join((f"image_id,label{heading}", *rows)) + "\n", encoding="utf-8")
    for table in tables:
        (root / table).write_text("image_id,case_id,source\nIMG000001,q1,here\nIMG000002,q2,here\n", encoding="utf-8")
    options = DataOptions(root=root, case_table="named.csv" if "named.csv" in tables else None)
    words = of_data_set(load_radiographs(options), options)
    assert words.index.tolist() == ["IMG000001", "IMG000002"]
    assert words["case_id"].tolist() == cases
    assert words["source"].tolist() == [source] * 2


def test_the_heading_is_the_one_of_the_file(tmp_path: Path) -> None:
    root = tmp_path / "films"
    (root / "images").mkdir(parents=True)
    (root / "images" / "a.png").touch()
    (root / "dataset.csv").write_text("image_id,label,patient\na.png,Normal,7\n", encoding="utf-8")
    options = DataOptions(root=root, columns={"case_id": "patient"})
    words = of_data_set(load_radiographs(options), options)
    assert words["case_id"].tolist() == ["column patient of the data set films"]
