from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from osteolens.data.annotations import Annotation, Lesion, lesion_mask, read_labelme
from osteolens.errors import DataError

SQUARE = [[2, 2], [6, 2], [6, 6], [2, 6]]


def shape(kind: str, points: list[list[Any]], label: str = "osteosarcoma") -> dict[str, Any]:
    return {"label": label, "points": points, "shape_type": kind}


def write(folder: Path, *shapes: dict[str, Any], width: Any = 10, height: Any = 10, **extra: Any) -> Path:
    path = folder / "image.json"
    content = {"imageWidth": width, "imageHeight": height, "shapes": list(shapes), **extra}
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def outline(*points: tuple[float, float], width: int = 10, height: int = 10) -> Annotation:
    return Annotation(width, height, (Lesion("x", np.array(points, dtype=float), None),))


def test_outline_and_box_of_one_lesion_are_paired(tmp_path: Path) -> None:
    annotation = read_labelme(write(tmp_path, shape("rectangle", [[7, 7], [1, 1]]), shape("polygon", SQUARE)))
    (lesion,) = annotation.lesions
    assert lesion.subtype == "osteosarcoma"
    assert lesion.box == (1, 1, 7, 7)
    np.testing.assert_array_equal(lesion.polygon, SQUARE)
    assert (annotation.width, annotation.height) == (10, 10)
    assert (annotation.outline_count, annotation.box_count, annotation.notes) == (1, 1, ())


def test_each_outline_gets_the_box_that_fits_it_best(tmp_path: Path) -> None:
    """The large box holds both outlines; the small one was drawn for the small outline."""
    small = [[1, 1], [3, 1], [3, 3], [1, 3]]
    large = [[0, 0], [9, 0], [9, 9]]
    boxes = shape("rectangle", [[0, 0], [9, 9]]), shape("rectangle", [[0.5, 0.5], [3.5, 3.5]])
    annotation = read_labelme(write(tmp_path, *boxes, shape("polygon", small), shape("polygon", large)))
    assert [lesion.box for lesion in annotation.lesions] == [(0.5, 0.5, 3.5, 3.5), (0, 0, 9, 9)]


def test_a_box_counts_only_for_a_lesion_without_outline(tmp_path: Path) -> None:
    shapes = (
        shape("polygon", SQUARE),
        shape("rectangle", [[1.5, 1.5], [6.5, 6.5]]),
        shape("rectangle", [[1, 1], [8, 8]]),  # around the same lesion a second time
        shape("rectangle", [[7, 0], [9, 1]], "other mt"),  # a lesion nobody outlined
    )
    annotation = read_labelme(write(tmp_path, *shapes))
    assert [(lesion.subtype, lesion.box) for lesion in annotation.lesions] == [
        ("osteosarcoma", (1.5, 1.5, 6.5, 6.5)),
        ("other mt", (7, 0, 9, 1)),
    ]
    assert annotation.spare_boxes == ((1, 1, 8, 8),)
    assert (annotation.outline_count, annotation.box_count) == (1, 3)
    assert lesion_mask(annotation, 10, 10).sum() == 16 + 2
    assert lesion_mask(annotation, 10, 10, convention="all_shapes").sum() == 49 + 2


def test_square_covers_the_pixels_between_its_sides() -> None:
    mask = lesion_mask(outline(*map(tuple, SQUARE)), 10, 10)
    expected = np.zeros((10, 10))
    expected[2:6, 2:6] = 1
    np.testing.assert_array_equal(mask, expected)
    assert mask.dtype == np.uint8


def test_square_is_scaled_with_the_picture() -> None:
    """From 10 x 10 to 20 high and 5 wide: columns 1 to 2, rows 4 to 11."""
    mask = lesion_mask(outline(*map(tuple, SQUARE)), 20, 5)
    expected = np.zeros((20, 5))
    expected[4:12, 1:3] = 1
    np.testing.assert_array_equal(mask, expected)


def test_triangle_covers_the_centres_below_its_slope() -> None:
    """Corners (0, 0), (4, 5), (0, 5): a centre (x, y) is inside where x < 0.8 y, so rows hold 0, 1, 2, 3, 4."""
    mask = lesion_mask(outline((0, 0), (4, 5), (0, 5), width=4, height=5), 5, 4)
    assert mask.tolist() == [[0, 0, 0, 0], [1, 0, 0, 0], [1, 1, 0, 0], [1, 1, 1, 0], [1, 1, 1, 1]]


def test_a_hole_by_the_even_odd_rule_and_overlap_by_union() -> None:
    """A U-shaped outline leaves the gap free; a second lesion over it does not cancel the first."""
    u = ((0, 0), (6, 0), (6, 4), (4, 4), (4, 2), (2, 2), (2, 4), (0, 4))
    annotation = outline(*u, width=6, height=4)
    assert lesion_mask(annotation, 4, 6).tolist() == [[1] * 6, [1] * 6, [1, 1, 0, 0, 1, 1], [1, 1, 0, 0, 1, 1]]
    twice = Annotation(6, 4, annotation.lesions * 2)
    np.testing.assert_array_equal(lesion_mask(twice, 4, 6), lesion_mask(annotation, 4, 6))


def test_transform_replaces_the_stretch() -> None:
    """Half size and moved by 3 right, 1 down: the square 2..6 becomes x 4..6, y 2..4."""
    transform = np.array([[0.5, 0, 3], [0, 0.5, 1]])
    expected = np.zeros((6, 8))
    expected[2:4, 4:6] = 1
    np.testing.assert_array_equal(lesion_mask(outline(*map(tuple, SQUARE)), 6, 8, transform=transform), expected)


def test_a_lesion_below_a_pixel_sets_the_pixel_it_lies_in() -> None:
    tiny = outline((701, 301), (703, 301), (702, 303), width=1000, height=1000)
    assert np.argwhere(lesion_mask(tiny, 10, 10)).tolist() == [[3, 7]]
    edge = outline((10, 10), (10, 10), (10, 10))
    assert np.argwhere(lesion_mask(edge, 10, 10)).tolist() == [[9, 9]]


def test_a_lesion_moved_off_the_target_sets_nothing() -> None:
    shift = np.array([[1.0, 0, 100], [0, 1, 0]])
    assert lesion_mask(outline(*map(tuple, SQUARE)), 10, 10, transform=shift).sum() == 0


def test_mask_area_equals_the_polygon_area_by_the_shoelace_formula() -> None:
    """A star of ten corners at 512 x 512: pixel centres estimate the area without bias."""
    angles = np.arange(10) * np.pi / 5
    radii = np.where(np.arange(10) % 2, 0.15, 0.4)
    points = np.stack([0.5 + radii * np.cos(angles), 0.5 + radii * np.sin(angles)], axis=1)
    area = 10 * 0.5 * 0.4 * 0.15 * np.sin(np.pi / 5)
    annotation = Annotation(1, 1, (Lesion("x", points, None),))
    assert lesion_mask(annotation, 512, 512).mean() == pytest.approx(area, rel=2e-3)


def test_points_outside_are_moved_to_the_edge(tmp_path: Path) -> None:
    path = write(
        tmp_path, shape("polygon", [[-5, -5], [4, -5], [4, 3], [-5, 3]]), shape("rectangle", [[8, 8], [99, 99]])
    )
    annotation = read_labelme(path)
    np.testing.assert_array_equal(annotation.lesions[0].polygon, [[0, 0], [4, 0], [4, 3], [0, 3]])
    assert annotation.lesions[1].box == (8, 8, 10, 10)


def test_shapes_that_are_no_lesion_are_noted(tmp_path: Path) -> None:
    shapes = (
        shape("circle", [[5, 5], [6, 6]]),
        shape("line", [[0, 0], [9, 9]]),
        shape("polygon", [[5, 5]]),
        shape("rectangle", [[5, 5]]),
        shape("polygon", [[20, 20], [30, 20], [30, 30]]),
        shape("polygon", []),
        shape("polygon", SQUARE),
    )
    annotation = read_labelme(write(tmp_path, *shapes))
    assert len(annotation.lesions) == 1
    assert annotation.notes == (
        "shape 1 (osteosarcoma): a circle is neither a polygon nor a rectangle, ignored.",
        "shape 2 (osteosarcoma): a line is neither a polygon nor a rectangle, ignored.",
        "shape 3 (osteosarcoma): a polygon of 1 point(s), ignored.",
        "shape 4 (osteosarcoma): a rectangle of 1 point(s), ignored.",
        "shape 5 (osteosarcoma): outside the picture, ignored.",
        "shape 6 (osteosarcoma): a polygon of 0 point(s), ignored.",
    )


def test_byte_order_mark_and_embedded_image_data_do_not_matter(tmp_path: Path) -> None:
    path = write(tmp_path, shape("polygon", SQUARE), imageData="A" * 5_000_000)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert len(read_labelme(path).lesions) == 1


@pytest.mark.parametrize(
    ("shapes", "size", "message"),
    [
        ([{"points": SQUARE}], {}, "shape 1: the key 'label' is missing"),
        ([{"label": "x"}], {}, "shape 1: the key 'points' is missing"),
        (["text"], {}, "shape 1: the key 'label' is missing"),
        ([shape("polygon", [[1, 1], [float("nan"), 2], [3, 3]])], {}, "not a finite number"),
        ([shape("polygon", [[1, 1], [float("inf"), 2], [3, 3]])], {}, "not a finite number"),
        ([shape("polygon", [[1, 1], [2], [3, 3]])], {}, "list of x, y pairs"),
        ([shape("polygon", [["a", "b"]])], {}, "list of x, y pairs"),
        ([shape("polygon", [[10**400, 1]])], {}, "list of x, y pairs"),
        ([], {"width": 0}, "'imageWidth' must be a whole number"),
        ([], {"height": -5}, "'imageHeight' must be a whole number"),
        ([], {"height": None}, "'imageHeight' must be a whole number"),
    ],
)
def test_damaged_files_are_refused(tmp_path: Path, shapes: list[Any], size: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_labelme(write(tmp_path, *shapes, **size))


@pytest.mark.parametrize("text", ["", "{", "[1]", "{}", '{"imageWidth": 5, "imageHeight": 5}', "[" * 100_000])
def test_files_that_are_no_annotation_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "image.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=r"image\.json"):
        read_labelme(path)


def test_shapes_must_be_a_list(tmp_path: Path) -> None:
    path = tmp_path / "image.json"
    path.write_text('{"imageWidth": 5, "imageHeight": 5, "shapes": {}}', encoding="utf-8")
    with pytest.raises(DataError, match="must be a list"):
        read_labelme(path)


def test_a_lesion_needs_a_shape_and_a_mask_a_known_convention() -> None:
    with pytest.raises(DataError, match="neither an outline nor a box"):
        Lesion("x", None, None)
    with pytest.raises(DataError, match="convention"):
        lesion_mask(outline(*map(tuple, SQUARE)), 10, 10, convention="boxes")  # type: ignore[arg-type]


@pytest.mark.real_data
def test_btxrd_annotations_read_as_drawn(btxrd256: Path) -> None:
    annotations = {path.stem: read_labelme(path) for path in sorted((btxrd256 / "Annotations").glob("*.json"))}
    assert len(annotations) == 1867
    assert sum(annotation.outline_count for annotation in annotations.values()) == 2318
    assert sum(annotation.box_count for annotation in annotations.values()) == 2324
    assert not any(annotation.notes for annotation in annotations.values())
    assert sorted(name for name, a in annotations.items() if any(lesion.outline is None for lesion in a.lesions)) == [
        "IMG000573",
        "IMG000574",
        "IMG000575",
        "IMG001245",
        "IMG001604",
        "IMG001636",
    ]
    areas = [lesion_mask(annotation, 256, 256).mean() for annotation in annotations.values()]
    assert min(areas) > 0
    assert np.median(areas) == pytest.approx(0.0092, abs=0.0005)
