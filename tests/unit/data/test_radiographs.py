from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from osteolens.config import DataOptions
from osteolens.data.radiographs import load_radiographs
from osteolens.errors import DataError

DataRoot = Callable[..., Path]

ROWS = [
    {"image_id": "b.png", "label": "Normal", "age": "30"},
    {"image_id": "a.jpg", "label": "Benign", "age": ""},
    {"image_id": "c.png", "label": "Normal", "age": "7"},
]


def test_table_files_and_cases_are_joined(data_root: DataRoot) -> None:
    cases = [{"image_id": "a", "case_id": "p1", "source": "here"}, {"image_id": "c", "case_id": "p1", "source": ""}]
    root = data_root(ROWS, cases)
    data = load_radiographs(DataOptions(root=root))
    assert data.frame["image_id"].tolist() == ["b.png", "a.jpg", "c.png"]
    assert data.frame["label"].tolist() == ["Normal", "Benign", "Normal"]
    assert data.frame["case_id"].tolist() == ["b", "p1", "p1"]
    assert data.frame["source"].tolist() == ["", "here", ""]
    assert data.path("a.jpeg") == data.path("a") == root / "images" / "a.jpg"
    assert data.missing == ()


def test_an_image_without_a_file_is_left_out_and_named(data_root: DataRoot) -> None:
    root = data_root(ROWS)
    (root / "images" / "a.jpg").unlink()
    data = load_radiographs(DataOptions(root=root))
    assert data.frame["image_id"].tolist() == ["b.png", "c.png"]
    assert data.frame.index.tolist() == [0, 1]
    assert data.missing == ("a.jpg",)
    with pytest.raises(DataError, match=r"a\.jpg is not in this data set"):
        data.path("a.jpg")


def test_the_table_may_name_another_suffix_than_the_file(data_root: DataRoot) -> None:
    root = data_root(ROWS)
    (root / "images" / "a.jpg").rename(root / "images" / "a.jpeg")
    assert load_radiographs(DataOptions(root=root)).path("a.jpg").name == "a.jpeg"


def test_a_case_column_of_the_table_is_used(data_root: DataRoot) -> None:
    rows = [{**row, "case_id": case, "source": "here"} for row, case in zip(ROWS, ["p1", "", "p1"], strict=True)]
    root = data_root(rows)
    frame = load_radiographs(DataOptions(root=root)).frame
    assert frame["case_id"].tolist() == ["p1", "a", "p1"]
    assert frame["source"].tolist() == ["here"] * 3
    (root / "named.csv").write_text("image_id,case_id\na,p2\nb,p2\nc,p3\n")
    frame = load_radiographs(DataOptions(root=root, case_table="named.csv")).frame
    assert frame["case_id"].tolist() == ["p2", "p2", "p3"]


def test_the_built_in_cases_are_for_btxrd_only_and_not_for_images_of_the_same_names(data_root: DataRoot) -> None:
    # the release: IMG000001 to IMG000003 are malignant
    names = [f"IMG00000{n}.jpeg" for n in (1, 2, 3)]
    release = data_root([{"image_id": name, "label": "Malignant"} for name in names], None, "release")
    frame = load_radiographs(DataOptions(root=release)).frame
    assert frame["case_id"].tolist() == ["case0001", "case0002", "case0002"]
    assert frame["source"].tolist() == ["hospital_b"] * 3
    namesakes = data_root([{"image_id": name, "label": "Normal"} for name in names], None, "namesakes")
    frame = load_radiographs(DataOptions(root=namesakes)).frame
    assert frame["case_id"].tolist() == ["IMG000001", "IMG000002", "IMG000003"]
    assert set(frame["source"]) == {""}


def test_annotations_are_read_where_there_are_any(data_root: DataRoot) -> None:
    root = data_root(ROWS)
    data = load_radiographs(DataOptions(root=root))
    assert data.annotation("a.jpg") is None
    (root / "Annotations").mkdir()
    outline = {"label": "osteochondroma", "shape_type": "polygon", "points": [[1, 1], [5, 1], [5, 6]]}
    content = {"imageWidth": 20, "imageHeight": 30, "shapes": [outline]}
    (root / "Annotations" / "a.json").write_text(json.dumps(content))
    annotation = load_radiographs(DataOptions(root=root)).annotation("a.jpg")
    assert annotation is not None
    assert (annotation.width, annotation.height, len(annotation.lesions)) == (20, 30, 1)


def test_content_hashes_are_sha256_in_the_order_of_the_table(data_root: DataRoot) -> None:
    data = load_radiographs(DataOptions(root=data_root(ROWS)))
    expected = [hashlib.sha256(f"picture {row['image_id']}".encode()).hexdigest() for row in ROWS]
    assert data.content_hashes().tolist() == expected


def test_the_data_hash_changes_with_labels_cases_and_files(data_root: DataRoot) -> None:
    def data_hash(name: str, cases: list[dict[str, str]] | None = None, **first: str) -> str:
        root = data_root([{**ROWS[0], **first}, *ROWS[1:]], cases, name)
        return load_radiographs(DataOptions(root=root)).data_hash()

    original = data_hash("one")
    assert data_hash("another folder") == original
    changed = [
        data_hash("label", label="Benign"),
        data_hash("file", content="another picture of other length"),
        data_hash("case", [{"image_id": "b", "case_id": "p9"}]),
    ]
    assert original not in changed


def test_the_files_are_hashed_once(data_root: DataRoot) -> None:
    root = data_root(ROWS)
    data = load_radiographs(DataOptions(root=root))
    first = data.content_hashes().tolist()
    (root / "images" / "a.jpg").write_bytes(b"another file")
    assert data.content_hashes().tolist() == first
    assert load_radiographs(DataOptions(root=root)).content_hashes().tolist() != first


def test_the_other_hashes_change_with_what_they_stand_for(data_root: DataRoot) -> None:
    root = data_root(ROWS)
    (root / "Annotations").mkdir(exist_ok=True)
    (root / "Annotations" / "a.json").write_text('{"a": 1}')

    def hashes() -> tuple[str, str, str]:
        data = load_radiographs(DataOptions(root=root))
        return data.data_hash(), data.metadata_hash(), data.annotations_hash()

    before = hashes()
    assert hashes() == before
    (root / "Annotations" / "a.json").write_text('{"a": 2}')  # as long as before
    outlined = hashes()
    assert (outlined[:2], outlined[2] != before[2]) == (before[:2], True)
    table = root / "dataset.csv"
    table.write_text(table.read_text().replace("30", "31"))  # an age
    assert (hashes()[0], hashes()[1] != before[1], hashes()[2]) == (before[0], True, outlined[2])


def test_what_is_missing_is_named_with_the_option_that_sets_it(data_root: DataRoot, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere does not exist.*data\.root"):
        load_radiographs(DataOptions(root=tmp_path / "nowhere"))
    root = data_root(ROWS)
    with pytest.raises(DataError, match=r"no image folder pictures/.*data\.images_dir"):
        load_radiographs(DataOptions(root=root, images_dir="pictures"))
    with pytest.raises(DataError, match=r"other\.csv does not exist"):
        load_radiographs(DataOptions(root=root, metadata="other.csv"))
    (root / "empty").mkdir()
    with pytest.raises(DataError, match="none of the images"):
        load_radiographs(DataOptions(root=root, images_dir="empty"))


@pytest.mark.real_data
def test_the_real_release_loads(btxrd256: Path) -> None:
    data = load_radiographs(DataOptions(root=btxrd256))
    assert data.frame["label"].value_counts().to_dict() == {"Normal": 1879, "Benign": 1525, "Malignant": 342}
    assert data.frame["case_id"].nunique() == 1403
    assert data.missing == ()
