from __future__ import annotations

import re

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from osteolens.explain.drawing import PICTURE_INCHES, draw_outline, show
from osteolens.explain.outline import outline_path, outlined


def rendered(mask: np.ndarray, line: np.ndarray | None) -> np.ndarray:
    """Return a black lesion on white, drawn as in a gallery without margins, with or without a line."""
    figure = Figure(figsize=(PICTURE_INCHES, PICTURE_INCHES), dpi=140)
    axes = figure.add_axes((0, 0, 1, 1))
    show(axes, np.where(mask > 0, 0, 255).astype(np.uint8))
    axes.images[0].set_interpolation("nearest")
    if line is not None:
        draw_outline(axes, line)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].astype(int)


@pytest.mark.parametrize("side", [256, 512])
@pytest.mark.parametrize("pixels", [1, 8])
def test_no_pixel_of_a_small_lesion_is_covered_by_its_line(side: int, pixels: int) -> None:
    mask = np.zeros((side, side), np.uint8)
    mask[100 : 100 + pixels, 60 : 60 + pixels] = 1
    bare, drawn = rendered(mask, None), rendered(mask, outlined(mask))
    lesion = (bare == 0).all(axis=2)
    assert lesion.sum() >= (pixels * 434 // side) ** 2 / 2
    np.testing.assert_array_equal(drawn[lesion], bare[lesion])
    assert (drawn != bare).any()  # the line is there
    covered = (rendered(mask, mask) != bare).any(axis=2) & lesion
    assert covered.any()  # a line along the edge itself would not do


def test_small_lesions_alone_are_widened() -> None:
    mask = np.zeros((200, 100), np.uint8)
    mask[50, 50] = 1  # 0.005% of the picture
    mask[100:120, 20:40] = 1  # 2%
    wide = outlined(mask)
    assert wide[48:53, 50].tolist() == wide[50, 48:53].tolist() == [1] * 5  # two pixels, a hundredth of 200
    assert (wide[47, 50], wide[53, 50], wide[48, 48]) == (0, 0, 0)  # round
    np.testing.assert_array_equal(wide[60:], mask[60:])


def corners(path: str) -> list[np.ndarray]:
    return [
        np.array([[float(number) for number in point.split(",")] for point in part.split(" ")])
        for part in re.findall(r"M([^MZ]+)Z", path)
    ]


def test_a_path_runs_along_the_edges_of_the_pixels() -> None:
    mask = np.zeros((20, 30), np.uint8)
    mask[5:10, 0:12] = 1  # touches the border
    (edge,) = corners(outline_path(mask))
    np.testing.assert_allclose([*edge.min(axis=0), *edge.max(axis=0)], [0, 5, 12, 10], atol=0.3)
    assert len(edge) == 4


def test_every_lesion_and_every_hole_has_its_path() -> None:
    mask = np.zeros((40, 40), np.uint8)
    mask[2:20, 2:20] = 1
    mask[8:14, 8:14] = 0
    mask[30, 30] = 1
    edges = sorted(corners(outline_path(mask)), key=len)
    assert len(edges) == 3
    spans = sorted(float(np.ptp(edge[:, 0])) for edge in edges)
    np.testing.assert_allclose(spans, [3, 6, 18], atol=0.6)  # the single pixel with one on either side


def test_nothing_marked_has_no_path() -> None:
    assert outline_path(None) == ""
    assert outline_path(np.zeros((4, 4), np.uint8)) == ""
