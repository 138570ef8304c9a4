from __future__ import annotations

from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from osteolens.data.columns import COLUMN_NAMES, COLUMNS, canonical_name
from osteolens.data.schema import REGIONS, SITES, SUBTYPES, VIEWS, find_images, read_metadata
from osteolens.errors import DataError


def btxrd_row(image_id: str, **values: object) -> dict[str, object]:
    """A normal frontal radiograph of a lower limb; `values` use underscores for spaces and hyphens."""
    row: dict[str, object] = dict.fromkeys(COLUMN_NAMES, 0)
    row |= {"image_id": image_id, "center": 1, "age": 30, "gender": "M", "lower limb": 1, "frontal": 1}
    by_key = {name.replace(" ", "_").replace("-", "_"): name for name in COLUMN_NAMES}
    return row | {by_key[key]: value for key, value in values.items()}


def benign_row(image_id: str, **values: object) -> dict[str, object]:
    return btxrd_row(image_id, **{"tumor": 1, "benign": 1, "femur": 1, "osteochondroma": 1, **values})


def write_csv(folder: Path, rows: list[dict[str, object]]) -> Path:
    path = folder / "dataset.csv"
    pd.DataFrame(rows).to_csv(path, index=False)
    return path


ALL_SITES = "hand, …, shoulder-joint"
NORMALS_WITHOUT_SITE = "{} normal images have no site, so a site tells their class."


def messages(violations: pd.DataFrame) -> list[tuple[int, str, str]]:
    return [(row.row, row.column, row.message) for row in violations.itertuples()]


def test_the_release_has_37_columns_in_four_groups() -> None:
    assert len(COLUMN_NAMES) == len(set(COLUMN_NAMES)) == 37
    assert COLUMN_NAMES[:4] == ("image_id", "center", "age", "gender")
    assert COLUMN_NAMES[4:19] == SITES
    assert COLUMN_NAMES[19:22] == ("tumor", "benign", "malignant")
    assert COLUMN_NAMES[22:31] == SUBTYPES
    assert COLUMN_NAMES[31:] == REGIONS + VIEWS
    assert all(column.meaning.endswith(".") for column in COLUMNS)


@pytest.mark.parametrize(
    ("heading", "name"),
    [
        ("ankle", "ankle-joint"),
        ("Ankle_Joint", "ankle-joint"),
        ("lower limbs", "lower limb"),
        ("LOWER  LIMB", "lower limb"),
        ("Hip-Bone", "hip bone"),
        (" Image ID ", "image_id"),
        ("sex", "gender"),
        ("Tumour", "tumor"),
        ("patient", "patient"),
    ],
)
def test_known_spellings_become_the_name_of_the_release(heading: str, name: str) -> None:
    assert canonical_name(heading) == name


def test_label_rule_and_types(tmp_path: Path) -> None:
    malignant = benign_row("c.jpeg", benign=0, malignant=1, osteochondroma=0, osteosarcoma=1, age="", gender="female")
    path = write_csv(tmp_path, [btxrd_row("a.jpeg"), benign_row("b.jpeg", center="2.0", tumor="1.0"), malignant])
    metadata = read_metadata(path)
    assert metadata.frame["label"].tolist() == ["Normal", "Benign", "Malignant"]
    assert metadata.frame["center"].tolist() == ["1", "2", "1"]
    assert metadata.frame["gender"].tolist() == ["M", "M", "F"]
    assert metadata.frame["age"].isna().tolist() == [False, False, True]
    assert metadata.frame["tumor"].tolist() == [0, 1, 1]
    assert messages(metadata.violations) == [(1, ALL_SITES, NORMALS_WITHOUT_SITE.format("1 of 1"))]


def test_an_excel_workbook_reads_as_the_same_table(tmp_path: Path) -> None:
    rows = [btxrd_row("a.jpeg"), benign_row("b.jpeg", age=None, center=2.0)]
    workbook = openpyxl.Workbook()
    sheet = workbook.worksheets[0]
    sheet.append(list(rows[0]))
    for row in rows:
        sheet.append(list(row.values()))
    workbook.save(tmp_path / "dataset.xlsx")
    expected = read_metadata(write_csv(tmp_path, rows)).frame
    pd.testing.assert_frame_equal(read_metadata(tmp_path / "dataset.xlsx").frame, expected)


def test_oddities_are_warnings_with_row_and_column(tmp_path: Path) -> None:
    rows = [
        benign_row("a.jpeg", **{"giant cell tumor".replace(" ", "_"): 1}),
        btxrd_row("b.jpeg", frontal=0),
        btxrd_row("c.jpeg", lateral=1, pelvis=1),
        btxrd_row("d.jpeg", tumor=1, age=130, center=7, gender="?"),
        benign_row("e.jpeg", femur=0),
        benign_row("f.jpeg", knee_joint=1),
        btxrd_row("g.jpeg", hand=1),
    ]
    metadata = read_metadata(write_csv(tmp_path, rows))
    assert set(metadata.violations["severity"]) == {"warning"}
    assert messages(metadata.violations) == [
        (1, ALL_SITES, NORMALS_WITHOUT_SITE.format("3 of 4")),
        (2, "osteochondroma, giant cell tumor", "the tumour has more than one subtype."),
        (3, "frontal, lateral, oblique", "no view is given."),
        (4, "frontal, lateral", "more than one view is given."),
        (4, "lower limb, pelvis", "more than one body region is given."),
        (5, "tumor", "is '1', against the flags benign and malignant."),
        (5, "age", "'130' is not an age of 0 to 120 years; it counts as missing."),
        (5, "center", "'7' is not one of 1, 2, 3."),
        (5, "gender", "'?' is not one of F, M."),
        (6, ALL_SITES, "the tumour has no site."),
        (7, "femur, knee-joint", "the tumour has more than one site."),
        (8, "hand", "a site is given without a tumour."),
    ]
    by_message = metadata.violations.set_index("message")["value"]
    assert by_message["no view is given."] == "all 0"
    assert by_message["more than one view is given."] == "1, 1"
    assert by_message["'130' is not an age of 0 to 120 years; it counts as missing."] == "130"
    assert list(metadata.violations) == ["row", "image_id", "column", "value", "severity", "message"]
    assert metadata.frame["age"].isna().tolist() == [False, False, False, True, False, False, False]


def test_all_errors_are_told_together(tmp_path: Path) -> None:
    rows = [
        benign_row("a.jpeg", malignant=1),
        btxrd_row("b.jpeg", hand="x"),
        btxrd_row("b.jpg"),
        btxrd_row("c.jpeg", tumor="=A1"),
        btxrd_row(""),
    ]
    with pytest.raises(DataError) as caught:
        read_metadata(write_csv(tmp_path, rows))
    assert str(caught.value).partition(" has ")[2].splitlines() == [
        "5 error(s) to correct:",
        "  row 2, a.jpeg, column malignant: the tumour is both benign and malignant.",
        "  row 3, b.jpeg, column hand: must be 0 or 1, not 'x'.",
        "  row 4, b.jpg, column image_id: the image is already in row 3.",
        "  row 5, c.jpeg, column tumor: '=A1' is a formula; paste its value instead.",
        "  row 6, column image_id: the image has no id.",
    ]


def test_many_errors_are_counted_after_twenty(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="has 25 error") as caught:
        read_metadata(write_csv(tmp_path, [btxrd_row(f"{i}.jpeg", hand=2) for i in range(25)]))
    assert str(caught.value).count("must be 0 or 1") == 20
    assert str(caught.value).endswith("and 5 more.")


def test_a_formula_in_a_workbook_is_refused(tmp_path: Path) -> None:
    workbook = openpyxl.Workbook()
    for row in (["image_id", "label"], ["a.png", "=B1"]):
        workbook.worksheets[0].append(row)
    workbook.save(tmp_path / "own.xlsx")
    with pytest.raises(DataError, match="column label: '=B1' is a formula"):
        read_metadata(tmp_path / "own.xlsx")


def test_absent_columns_of_the_release_are_warnings(tmp_path: Path) -> None:
    rows = [{"image_id": "a.jpeg", "benign": 0, "malignant": 1}]
    metadata = read_metadata(write_csv(tmp_path, rows))
    assert metadata.frame["label"].tolist() == ["Malignant"]
    assert len(metadata.violations) == 34
    assert set(metadata.violations["message"]) == {"the table has no such column."}
    assert set(metadata.violations["row"]) == {1}


def test_own_data_with_a_label_column(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_text("Filename,Label,patient,age\nx.png,fracture,p1,40\ny.png,none,p2,\n", encoding="utf-8-sig")
    metadata = read_metadata(path)
    assert metadata.frame["label"].tolist() == ["fracture", "none"]
    assert metadata.frame["patient"].tolist() == ["p1", "p2"]
    assert metadata.frame["image_id"].tolist() == ["x.png", "y.png"]
    assert metadata.violations.empty


def test_a_label_that_contradicts_the_flags_is_an_error(tmp_path: Path) -> None:
    rows = [{**btxrd_row("a.jpeg"), "label": "Normal"}, {**benign_row("b.jpeg"), "label": "Normal"}]
    with pytest.raises(DataError, match=r"1 error.*\n  row 3, b.jpeg, column label: 'Normal' contradicts"):
        read_metadata(write_csv(tmp_path, rows))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("label\nBenign\n", "no column image_id"),
        ("image_id,age\na.png,3\n", "neither the flags benign and malignant nor a column label"),
        ("image_id,label\n", "holds no rows"),
        ("", "is empty"),
        ("\n\n", "is empty"),
        ('image_id,label\na.png,"x\n', "not a readable CSV table.*quote"),
        ("image_id,label\na.png,\0\n", "binary data"),
        ("image_id,label\na.png,\n", "the image has no label"),
        ("image_id,label,class\na.png,x,y\n", "more than one column means label"),
        ("image_id,label,label\na.png,x,y\n", "more than one column means label"),
        ("image_id,label\na.png,x,y\nb.png,x,y\n", "more cells than the heading: 3 against 2"),
    ],
)
def test_unusable_tables_are_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "table.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        read_metadata(path)


@pytest.mark.parametrize("content", [b"", b"not a workbook", b"PK\x03\x04 broken"])
def test_a_damaged_workbook_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "dataset.xlsx"
    path.write_bytes(content)
    with pytest.raises(DataError, match="not a readable Excel workbook"):
        read_metadata(path)
    with pytest.raises(DataError, match="does not exist"):
        read_metadata(tmp_path / "absent.xlsx")


def test_an_empty_sheet_is_refused(tmp_path: Path) -> None:
    openpyxl.Workbook().save(tmp_path / "dataset.xlsx")
    with pytest.raises(DataError, match="is empty"):
        read_metadata(tmp_path / "dataset.xlsx")


def test_images_are_found_by_stem(tmp_path: Path) -> None:
    for name in ("a.jpeg", "b.jpg", "c.png", "extra.jpeg", "notes.txt", "._a.jpeg"):
        (tmp_path / name).touch()
    files = find_images(tmp_path, ["a.jpg", "b.jpeg", "c", "d.jpeg"])
    assert {key: path.name for key, path in files.paths.items()} == {"a": "a.jpeg", "b": "b.jpg", "c": "c.png"}
    assert files.missing == ("d.jpeg",)
    assert [path.name for path in files.unlisted] == ["extra.jpeg"]


def test_two_files_of_one_stem_are_taken_only_by_their_full_name(tmp_path: Path) -> None:
    for name in ("a.jpeg", "a.png"):
        (tmp_path / name).touch()
    assert find_images(tmp_path, ["a.png"]).paths["a"].name == "a.png"
    with pytest.raises(DataError, match=r"a could be a\.jpeg and a\.png"):
        find_images(tmp_path, ["a"])
    with pytest.raises(DataError, match="does not exist"):
        find_images(tmp_path / "absent", [])


@pytest.mark.real_data
def test_btxrd_passes_with_its_known_oddities(btxrd256: Path) -> None:
    metadata = read_metadata(btxrd256 / "dataset.csv")
    assert tuple(metadata.frame.columns) == (*COLUMN_NAMES, "label")
    assert metadata.frame["label"].value_counts().to_dict() == {"Normal": 1879, "Benign": 1525, "Malignant": 342}
    assert metadata.frame["age"].median() == 34
    assert metadata.violations["message"].value_counts().to_dict() == {
        "the tumour has more than one site.": 189,
        NORMALS_WITHOUT_SITE.format("1,879 of 1,879"): 1,
        "more than one view is given.": 2,
        "no view is given.": 1,
        "more than one body region is given.": 1,
        "the tumour has more than one subtype.": 1,
    }
    assert set(metadata.violations["severity"]) == {"warning"}
    sites = metadata.frame.loc[metadata.frame["tumor"] == 1, list(SITES)].sum(axis=1)
    assert sites.value_counts().to_dict().keys() == {1, 2, 3, 4}
    assert int((sites > 1).sum()) == 189
    workbook = read_metadata(btxrd256 / "dataset.xlsx")
    pd.testing.assert_frame_equal(workbook.frame, metadata.frame)
    pd.testing.assert_frame_equal(workbook.violations, metadata.violations)
    assert len(find_images(btxrd256 / "images", metadata.frame["image_id"]).paths) == 3746
