from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from osteolens.config import DataOptions
from osteolens.data.radiographs import RadiographSet, load_radiographs
from osteolens.domain import Preprocessing
from osteolens.explain.cell_map import CellMap
from osteolens.explain.views import file_views, input_views

LETTERBOX = Preprocessing(size=32, resize="letterbox", channels=1, mean=(0.0,), std=(1.0,))


def outlined(path: Path, height: int, width: int, points: list[list[int]]) -> None:
    shape = {"label": "lesion", "shape_type": "polygon", "points": points}
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"imageHeight": height, "imageWidth": width, "shapes": [shape]}), encoding="utf-8")


@pytest.fixture
def radiographs(tmp_path: Path) -> RadiographSet:
    """A large upright radiograph with an outlined lesion and a small one without."""
    (tmp_path / "images").mkdir()
    large = np.full((2048, 1024), 50, np.uint8)
    large[:1024, :512] = 150
    cv2.imwrite(str(tmp_path / "images" / "large.png"), large)
    cv2.imwrite(str(tmp_path / "images" / "small.png"), np.full((40, 60), 70, np.uint8))
    outlined(tmp_path / "Annotations" / "large.json", 2048, 1024, [[0, 0], [512, 0], [512, 1024], [0, 1024]])
    (tmp_path / "own.csv").write_text("image,class\nlarge.png,Normal\nsmall.png,Normal\n", encoding="utf-8")
    columns = {"image_id": "image", "label": "class"}
    return load_radiographs(DataOptions(root=tmp_path, metadata="own.csv", columns=columns))


def test_a_large_picture_is_shown_at_512_pixels_with_its_outline(radiographs: RadiographSet) -> None:
    view = file_views(radiographs, ["large.png", "small.png"], LETTERBOX)(0)
    assert view.picture.shape == (512, 256)
    assert (view.picture[:255, :127] == 150).all()
    assert (view.picture[257:, 129:] == 50).all()
    assert view.mask is not None
    assert view.mask[:256, :128].all()
    assert view.mask.sum() == 256 * 128


def test_a_small_picture_keeps_its_pixels_and_has_no_outline(radiographs: RadiographSet) -> None:
    view = file_views(radiographs, ["large.png", "small.png"], LETTERBOX)(1)
    np.testing.assert_array_equal(view.picture, np.full((40, 60), 70))
    assert view.mask is None


def test_a_map_lies_on_the_picture_without_the_padding_of_the_input(radiographs: RadiographSet) -> None:
    # The upright picture fills the middle half of the square input: of four columns of cells the second and third.
    cells = CellMap(np.tile(np.array([1.0, 0.0, 1.0, 1.0], np.float32), (4, 1)))
    view = file_views(radiographs, ["large.png"], LETTERBOX)(0)
    heat = view.heat(cells)
    assert heat.shape == (512, 256)
    assert heat[:, 60:68].max() < 0.05  # the middle of the second column
    assert heat[:, 188:196].min() > 0.95
    np.testing.assert_array_equal(view.coloured(cells)[heat == 0], np.repeat(view.picture[..., None], 3, 2)[heat == 0])


def test_the_input_is_shown_where_no_file_is_at_hand() -> None:
    pictures = np.arange(2 * 16, dtype=np.uint8).reshape(2, 4, 4)
    views = input_views(pictures, {1: np.eye(4, dtype=np.uint8)})
    np.testing.assert_array_equal(views(1).picture, pictures[1])
    assert views(0).mask is None
    assert views(1).mask is not None
    np.testing.assert_array_equal(views(0).heat(CellMap(np.ones((2, 2), np.float32))), np.ones((4, 4)))
