"""Tables with columns of their own, class folders, sub-folders, masks. Expected values are written out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from osteolens.config import DataOptions, load_config
from osteolens.data.annotation_files import annotation_files, mask_annotation, read_annotation
from osteolens.data.annotations import Annotation, lesion_mask
from osteolens.data.radiographs import load_radiographs
from osteolens.data.sources import read_source
from osteolens.data.splits import make_split
from osteolens.errors import ConfigError, DataError

OWN = {"columns": {"label": "fractured", "case_id": "patient"}, "label_values": {"0": "Normal", "1": "Fractured"}}


def root_of(tmp_path: Path, table: str | None, *pictures: str) -> Path:
    for name in pictures:
        path = tmp_path / "images" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((20, 30), 100, np.uint8)).save(path)
    if table is not None:
        (tmp_path / "dataset.csv").write_text(table, encoding="utf-8")
    return tmp_path


def test_own_columns_get_the_common_names_and_own_classes(tmp_path: Path) -> None:
    table = (
        "file name,fractured,patient,sex,Age,frontal,lateral,oblique,hand,hip,label\n"
        "a.png,0,p1,female,30,1,0,0,1,2,x\nb.png,1.0,,M,old,0,1,0,0,0,y\n"
    )
    data = load_radiographs(DataOptions(root=root_of(tmp_path, table, "a.png", "b.png"), **OWN))
    frame = data.frame
    assert frame["image_id"].tolist() == ["a.png", "b.png"]
    assert frame["label"].tolist() == ["Normal", "Fractured"]
    assert frame["case_id"].tolist() == ["p1", "b"]
    assert frame["gender"].tolist() == ["F", "M"]
    assert frame["age"].iloc[0] == 30
    assert np.isnan(frame["age"].iloc[1])
    assert frame[["frontal", "lateral", "oblique"]].to_numpy().tolist() == [[1, 0, 0], [0, 1, 0]]
    assert frame["hand (table)"].tolist() == ["1", "0"]  # one of fifteen sites must not pass for all
    assert frame["hip"].tolist() == ["2", "0"]
    assert frame["label (table)"].tolist() == ["x", "y"]
    found = data.metadata.violations
    assert found[["row", "image_id", "column", "severity"]].to_numpy().tolist() == [
        [3, "b.png", "age", "warning"],
        [3, "b.png", "case_id", "warning"],
    ]


def test_a_column_that_only_bears_the_name_of_a_flag_is_not_taken_for_one(tmp_path: Path) -> None:
    root = root_of(tmp_path, "image_id,label,hand,width\na.png,x,left,7\n", "a.png")
    frame = load_radiographs(DataOptions(root=root)).frame
    assert frame["hand (table)"].tolist() == ["left"]
    assert frame["width (table)"].tolist() == ["7"]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("image_id,fractured\na.png,0\n", r"data\.columns names 'patient', which is no column"),
        (
            "image_id,fractured,patient\na.png,2\n",
            r"row 2, a\.png, column label: data\.label_values has no class for '2'",
        ),
        ("image_id,fractured,patient\na.png,\n", "column label: the image has no label"),
        ("image_id,fractured,patient\na.png,0,p\na.jpg,1,p\n", r"row 3, a\.jpg, .*already in row 2"),
        ("image_id,fractured,patient\na.png,=1,p\n", "is a formula"),
        ("name,fractured,patient\na.png,1,p\n", "no column image_id"),
    ],
)
def test_what_makes_a_label_or_an_identity_doubtful_is_refused(tmp_path: Path, table: str, message: str) -> None:
    root = root_of(tmp_path, table, "a.png")
    with pytest.raises(DataError, match=message):
        read_source(DataOptions(root=root, **OWN))


def test_a_table_without_labels_is_told_how_to_name_them(tmp_path: Path) -> None:
    root = root_of(tmp_path, "image_id,fractured\na.png,0\n", "a.png")
    with pytest.raises(DataError, match=r"name yours in data\.columns"):
        read_source(DataOptions(root=root))


def test_images_are_found_in_sub_folders_by_name_and_by_path(tmp_path: Path) -> None:
    table = "image_id,label\none.png,x\nimages/p1/view.png,x\np2/view.png,y\ngone.png,y\n"
    root = root_of(tmp_path, table, "x/one.png", "p1/view.png", "p2/view.png", "spare.png")
    source = read_source(DataOptions(root=root))
    assert source.metadata.frame["image_id"].tolist() == ["one.png", "p1_view.png", "p2_view.png", "gone.png"]
    assert source.files.paths == {
        "one": root / "images/x/one.png",
        "p1_view": root / "images/p1/view.png",
        "p2_view": root / "images/p2/view.png",
    }
    assert source.files.missing == ("gone.png",)
    assert [path.name for path in source.files.unlisted] == ["spare.png"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("p1/view.png", "p1\\view.png"),
        ("p1/view.png", "images/p1/view.jpg"),
        ("p1/a_view.png", "p1_a/view.png"),  # both would be called p1_a_view
        ("view.png", "view"),
    ],
)
def test_two_rows_that_come_to_one_id_are_one_image_listed_twice(tmp_path: Path, one: str, other: str) -> None:
    root = root_of(tmp_path, f"image_id,label\n{one},x\n{other},y\n", "p1/view.png")
    with pytest.raises(DataError, match=r"row 3, .*already in row 2"):
        read_source(DataOptions(root=root))


def test_a_file_that_two_ids_mean_is_refused(tmp_path: Path) -> None:
    root = root_of(tmp_path, "image_id,label\np1/view.png,x\nview.png,y\n", "p1/view.png")
    with pytest.raises(DataError, match=r"p1_view\.png and view\.png are one file"):
        read_source(DataOptions(root=root))


def test_a_failed_formula_is_still_told_where_a_path_is_expected(tmp_path: Path) -> None:
    root = root_of(tmp_path, "image_id,label\n#N/A,x\n", "a.png")
    with pytest.raises(DataError, match=r"row 2, #N/A, .*formula"):
        read_source(DataOptions(root=root))


@pytest.mark.parametrize("name", ["p{}/a.png", "images/p{}/a.png", "p{}\\a", "p{}_a.png"])
def test_a_case_table_names_the_images_by_their_paths(tmp_path: Path, name: str) -> None:
    rows = "".join(f"{name.format(number)},{case}\n" for number, case in ((1, "ann"), (2, "bob"), (3, "ann")))
    paths = ["p1/a.png", "p2/a.png", "p3/a.png"]
    root = root_of(tmp_path, "image_id,label\n" + "".join(f"{path},x\n" for path in paths), *paths)
    (root / "mine.csv").write_text("image_id,case_id\n" + rows)
    data = load_radiographs(DataOptions(root=root, case_table="mine.csv"))
    assert data.frame["case_id"].tolist() == ["ann", "bob", "ann"]


def test_the_cases_of_class_folders_are_named_by_their_paths(tmp_path: Path) -> None:
    root = root_of(tmp_path, None, "Broken/1.png", "Normal/1.png", "Normal/2.png")
    (root / "cases.csv").write_text("image_id,case_id\nNormal/1.png,ann\nBroken/1.png,ann\nNormal_2.png,bob\n")
    assert load_radiographs(DataOptions(root=root, metadata=None)).frame["case_id"].tolist() == ["ann", "ann", "bob"]


def test_a_split_file_names_the_images_by_their_paths(tmp_path: Path) -> None:
    root = root_of(tmp_path, "image_id,label\np1/a.png,x\np2/a.png,y\n", "p1/a.png", "p2/a.png")
    (root / "mine.csv").write_text("image_id,split\np2/a.png,test\np1/a.png,train\n")
    config = load_config(None, [f"data.root={root}", "data.split_files={mine: mine.csv}"])
    made = make_split(load_radiographs(config.data), "mine", config).frame
    assert made[["image_id", "split"]].to_numpy().tolist() == [["p1_a.png", "train"], ["p2_a.png", "test"]]


def test_a_name_that_two_files_bear_is_refused(tmp_path: Path) -> None:
    root = root_of(tmp_path, "image_id,label\nview.png,x\n", "p1/view.png", "p2/view.png")
    with pytest.raises(DataError, match=r"view\.png could be p1.view\.png and p2.view\.png"):
        read_source(DataOptions(root=root))


def test_a_folder_per_class_needs_no_table(tmp_path: Path) -> None:
    root = root_of(tmp_path, None, "healthy/1.png", "broken/1.png", "broken/deep/2.png", "stray.png")
    source = read_source(
        DataOptions(root=root, metadata=None, label_values={"healthy": "Normal", "broken": "Fractured"})
    )
    assert source.metadata.frame.to_numpy().tolist() == [
        ["broken_1.png", "Fractured"],
        ["broken_deep_2.png", "Fractured"],
        ["healthy_1.png", "Normal"],
    ]
    assert source.files.paths["healthy_1"] == root / "images/healthy/1.png"
    assert source.files.unlisted == (root / "images/stray.png",)
    plain = read_source(DataOptions(root=root, metadata=None))
    assert plain.metadata.frame["label"].tolist() == ["broken", "broken", "healthy"]


def test_class_folders_that_cannot_be_used_are_told(tmp_path: Path) -> None:
    root = root_of(tmp_path, None, "stray.png")
    with pytest.raises(DataError, match="no folders with pictures"):
        read_source(DataOptions(root=root, metadata=None))
    root_of(tmp_path, None, "a/b_c.png", "a_b/c.png")
    with pytest.raises(DataError, match="would both be called a_b_c"):
        read_source(DataOptions(root=root, metadata=None))
    with pytest.raises(DataError, match=r"no class for the folder\(s\) a_b"):
        read_source(DataOptions(root=root, metadata=None, label_values={"a": "x"}))


def test_yes_and_no_must_be_quoted_in_yaml(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text("data: {label_values: {yes: Fractured, no: Normal}}")
    with pytest.raises(ConfigError, match="put yes, no, true and false in quotes"):
        load_config(path)
    path.write_text("data: {label_values: {'yes': Fractured, 0: Normal}}")
    assert load_config(path).data.label_values == {"yes": "Fractured", "0": "Normal"}
    path.write_text("data: {columns: {colour: x}}")
    with pytest.raises(ConfigError, match="colour"):
        load_config(path)


def test_a_mask_gives_its_pixels_back_holes_and_corners_included() -> None:
    mask = np.zeros((40, 60), np.uint8)
    mask[5:20, 5:25] = 255
    mask[9:12, 9:14] = 0  # a hole
    mask[14:17, 10:12] = 0  # another
    mask[10, 11] = 1  # an island in the hole
    mask[30:33, 40:44] = 7
    mask[33:36, 44:47] = 7  # touches the last by a corner
    mask[39, 59] = 1  # one pixel in the corner of the picture
    annotation = mask_annotation(mask)
    assert (annotation.width, annotation.height) == (60, 40)
    np.testing.assert_array_equal(lesion_mask(annotation, 40, 60), mask > 0)


def test_an_empty_mask_has_no_lesion() -> None:
    assert mask_annotation(np.zeros((20, 20), np.uint8)).lesions == ()


def test_masks_lie_like_the_images(tmp_path: Path) -> None:
    root = root_of(tmp_path, None, "broken/1.png", "healthy/1.png")
    mask = np.zeros((20, 30), np.uint8)
    mask[5:10, 5:10] = 255
    (root / "masks" / "broken").mkdir(parents=True)
    Image.fromarray(mask).save(root / "masks" / "broken" / "1.png")
    data = load_radiographs(DataOptions(root=root, metadata=None, annotations_dir="masks"))
    annotation = data.annotation("broken_1.png")
    assert annotation is not None
    assert lesion_mask(annotation, 20, 30).sum() == 25
    assert data.annotation("healthy_1.png") is None


def masked(tmp_path: Path, mask: Image.Image, name: str) -> Annotation | None:
    root = root_of(tmp_path, "image_id,label\na.png,x\n", "a.png")
    (root / "masks").mkdir()
    mask.save(root / "masks" / name, format="PNG")
    return load_radiographs(DataOptions(root=root, annotations_dir="masks")).annotation("a.png")


@pytest.mark.parametrize("kind", ["16 bit", "dark blue", "palette", "one bit"])
def test_every_value_of_a_mask_but_black_is_lesion(tmp_path: Path, kind: str) -> None:
    marked = np.zeros((20, 30), bool)
    marked[5:10, 5:10] = True
    mask = {
        "16 bit": Image.fromarray(marked.astype(np.uint16)),  # 1 of 65,535 is 0 of 255
        "dark blue": Image.fromarray(marked[:, :, None] * np.array([0, 0, 1], np.uint8)),  # its luminance is 0
        "palette": Image.fromarray(marked.astype(np.uint8)),
        "one bit": Image.fromarray(marked),
    }[kind]
    if kind == "palette":
        mask.putpalette([0, 0, 0, 0, 0, 1])
    annotation = masked(tmp_path, mask, "a.png")
    assert annotation is not None
    np.testing.assert_array_equal(lesion_mask(annotation, 20, 30), marked)


def test_the_case_of_a_suffix_does_not_matter(tmp_path: Path) -> None:
    assert masked(tmp_path, Image.new("L", (30, 20), 255), "a.PNG") is not None
    for name in ("b.JSON", "c.Json", "d.txt"):
        (tmp_path / "masks" / name).write_text(
            '{"imageWidth": 30, "imageHeight": 20, "shapes": [{"label": "x", "shape_type": "rectangle", '
            '"points": [[5, 5], [10, 10]]}]}'
        )
    found = annotation_files(tmp_path / "masks")
    assert list(found) == ["a", "b", "c"]
    assert len(read_annotation(found["b"]).lesions) == 1


def test_a_damaged_mask_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"a\.png is not a JPEG, PNG"):
        read_annotation(tmp_path / "a.png")
