"""LabelMe files that are damaged, huge or odd: a right reading with a note, or a typed refusal."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from osteolens.data import annotations
from osteolens.data.annotations import lesion_mask, read_labelme
from osteolens.data.rasterise import fill_polygon
from osteolens.errors import DataError

TRIANGLE = [[1, 1], [8, 1], [1, 8]]


def shape(kind: str, points: Any, label: str = "osteosarcoma") -> dict[str, Any]:
    return {"label": label, "points": points, "shape_type": kind}


def write(folder: Path, shapes: Any, **extra: Any) -> Path:
    path = folder / "image.json"
    path.write_text(json.dumps({"imageWidth": 10, "imageHeight": 10, "shapes": shapes} | extra), encoding="utf-8")
    return path


def nested(depth: int) -> Any:
    value: Any = 1.0
    for _ in range(depth):
        value = [value]
    return value


def test_a_shape_drawn_twice_counts_once(tmp_path: Path) -> None:
    twice = [shape("polygon", TRIANGLE), shape("rectangle", [[0, 0], [9, 9]])] * 2
    annotation = read_labelme(write(tmp_path, [*twice, shape("polygon", TRIANGLE, label="other mt")]))
    assert [lesion.subtype for lesion in annotation.lesions] == ["osteosarcoma", "other mt"]
    assert annotation.spare_boxes == ()
    assert annotation.notes == (
        "shape 3 (osteosarcoma): the same as shape 1, ignored.",
        "shape 4 (osteosarcoma): the same as shape 2, ignored.",
    )


@pytest.mark.parametrize(
    "points",
    [nested(40), nested(500), [nested(40)] * 3, {"x": 1}, "abc", 7, None, True, [[1, 2, 3]] * 3, [[1, [2, 3]]] * 3],
)
def test_points_of_another_form_are_refused(tmp_path: Path, points: Any) -> None:
    with pytest.raises(DataError, match=r"image\.json, shape 1: 'points' must be a list of x, y pairs"):
        read_labelme(write(tmp_path, [shape("polygon", points)]))


@pytest.mark.parametrize("text", ["null", "3", '"text"', "[]", "true"])
def test_a_file_that_is_no_object_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "image.json").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=r"image\.json: the key 'imageWidth' is missing"):
        read_labelme(tmp_path / "image.json")


@pytest.mark.parametrize("content", [b"\xff\xfe\x00\x01", b"\x89PNG\r\n\x1a\n", b'{"a": "\xe4"}'])
def test_bytes_that_are_no_text_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "image.json").write_bytes(content)
    with pytest.raises(DataError, match="not a readable JSON file"):
        read_labelme(tmp_path / "image.json")


def test_deep_nesting_anywhere_is_refused_or_ignored(tmp_path: Path) -> None:
    text = '{"imageWidth": 10, "imageHeight": 10, "shapes": [], "flags": ' + "[" * 50_000 + "]" * 50_000 + "}"
    (tmp_path / "image.json").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match="not a readable JSON file"):
        read_labelme(tmp_path / "image.json")
    assert read_labelme(write(tmp_path, [], flags=nested(100))).lesions == ()


def test_too_many_shapes_or_points_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"at most 1,000 shapes, not 1,001"):
        read_labelme(write(tmp_path, [shape("polygon", TRIANGLE)] * 1001))
    with pytest.raises(DataError, match="100,001 points; at most 100,000"):
        read_labelme(write(tmp_path, [shape("polygon", [[1, 1]] * 100_001)]))


def test_embedded_image_data_is_read_within_four_times_its_size(tmp_path: Path) -> None:
    """A file of 16 MiB: its bytes, its text and the value itself are held for a moment, nothing grows faster."""
    path = write(tmp_path, [shape("polygon", TRIANGLE)], imageData="A" * 2**24)
    tracemalloc.start()
    try:
        annotation = read_labelme(path)
        kept, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(annotation.lesions) == 1
    assert peak < 4 * 2**24
    assert kept < 2**20


def test_a_file_beyond_all_measure_is_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(annotations, "_LARGEST_FILE", 1000)
    with pytest.raises(DataError, match="Remove its imageData"):
        read_labelme(write(tmp_path, [], imageData="A" * 2000))


def test_the_mask_of_a_large_picture_does_not_pass_through_its_full_size(tmp_path: Path) -> None:
    """100,000 x 100,000 pixels would take 10 thousand million bytes; the mask of 64 x 64 takes a few thousand."""
    points = [[0, 0], [50_000, 0], [50_000, 100_000], [0, 100_000]]
    path = write(tmp_path, [shape("polygon", points)], imageWidth=100_000, imageHeight=100_000)
    annotation = read_labelme(path)
    tracemalloc.start()
    try:
        mask = lesion_mask(annotation, 64, 64)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert mask[:, :32].all()
    assert not mask[:, 32:].any()
    assert peak < 2**20


def test_an_outline_that_crosses_every_row_again_and_again_fits_in_memory() -> None:
    """50,000 edges over 512 rows make 25 million crossings; vertical edges at x = 100 and 200 in turn fill nothing
    twice: each pair of edges runs down and up at the same x, so the last one, of odd number, decides.
    """
    edges = 50_001
    polygon = np.zeros((edges, 2))
    polygon[1::2, 1] = 512
    polygon[:, 0] = 100
    polygon[-1] = (200, 0)
    tracemalloc.start()
    try:
        inside = fill_polygon(polygon, 512, 512)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 2**29
    # what is left is the triangle (100, 512), (200, 0), (100, 0)
    assert inside.sum() == pytest.approx(100 * 512 / 2, rel=0.01)


@pytest.mark.real_data
def test_the_files_with_more_boxes_than_outlines_are_paired(btxrd256: Path) -> None:
    """By eye: in each, every outline lies in the box drawn for it, and the boxes left over are lesions of their own."""
    expected = {"IMG000573": (2, 2), "IMG000574": (3, 2), "IMG000575": (2, 1)}
    expected |= {"IMG001245": (2, 1), "IMG001604": (9, 1), "IMG001636": (1, 1)}
    for name, (paired, alone) in expected.items():
        lesions = read_labelme(btxrd256 / "Annotations" / f"{name}.json").lesions
        with_both = [lesion for lesion in lesions if lesion.outline is not None and lesion.box is not None]
        assert (len(with_both), sum(lesion.outline is None for lesion in lesions)) == (paired, alone), name
        for lesion in with_both:
            assert lesion.outline is not None
            assert lesion.box is not None
            centre = lesion.outline.mean(axis=0)
            assert lesion.box[0] < centre[0] < lesion.box[2]
            assert lesion.box[1] < centre[1] < lesion.box[3]
