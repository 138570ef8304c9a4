from __future__ import annotations

import pickle
import tracemalloc

import numpy as np
import pytest
from numpy.typing import NDArray

from osteolens.config import Config
from osteolens.data.annotations import lesion_mask
from osteolens.data.masks import Box, LesionBox, PackedMasks, lesion_boxes, lesion_masks
from osteolens.data.preprocessing import input_transform
from osteolens.data.radiographs import load_radiographs

SIZE = 410


def with_lesion(rows: slice, columns: slice) -> NDArray[np.uint8]:
    mask = np.zeros((SIZE, SIZE), np.uint8)
    mask[rows, columns] = 1
    return mask


@pytest.mark.parametrize(
    "mask",
    [
        with_lesion(slice(0, 0), slice(0, 0)),
        with_lesion(slice(None), slice(None)),
        with_lesion(slice(409, 410), slice(409, 410)),
        with_lesion(slice(3, 16), slice(100, 107)) | with_lesion(slice(200, 201), slice(5, 300)),
        np.random.default_rng(0).integers(0, 2, (31, 57), dtype=np.uint8),
    ],
    ids=["empty", "full", "corner", "two", "noise"],
)
def test_a_mask_comes_back_as_it_was(mask: NDArray[np.uint8]) -> None:
    found = PackedMasks([(7, mask)])[7]
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, mask)


def test_masks_are_rows_in_their_order() -> None:
    masks = PackedMasks([(4, np.eye(3, dtype=np.uint8)), (1, np.ones((3, 3), np.uint8))])
    assert (list(masks), len(masks), 1 in masks, 0 in masks) == ([4, 1], 2, True, False)
    with pytest.raises(KeyError):
        masks[0]
    again = pickle.loads(pickle.dumps(masks))  # noqa: S301  as for a worker that is started anew
    np.testing.assert_array_equal(again[4], np.eye(3, dtype=np.uint8))


def test_the_memory_of_many_masks_and_of_their_boxes_is_small() -> None:
    count, side = 200, 80  # a lesion of 80 x 80 pixels is 800 bytes of bits
    lesions = [(row % 300, row // 2) for row in range(count)]
    tracemalloc.start()
    try:
        masks = PackedMasks(
            (row, with_lesion(slice(top, top + side), slice(left, left + side)))
            for row, (top, left) in enumerate(lesions)
        )
        held, _ = tracemalloc.get_traced_memory()
        boxes = lesion_boxes(masks)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < count * 2_000  # 168,100 each, if they were kept whole
    assert most - held < 10 * SIZE * SIZE
    assert boxes == {  # the pixel before the middle of 80
        row: LesionBox(Box(left, top, left + side, top + side), (left + 39, top + 39))
        for row, (top, left) in enumerate(lesions)
    }


def test_the_centre_is_that_of_the_largest_lesion() -> None:
    several = with_lesion(slice(10, 15), slice(20, 25)) | with_lesion(slice(301, 308), slice(200, 205))
    alone = with_lesion(slice(10, 15), slice(20, 25))
    assert lesion_boxes({4: several, 1: alone, 0: np.zeros((SIZE, SIZE), np.uint8)}) == {
        4: LesionBox(Box(20, 10, 205, 308), (202, 304)),
        1: LesionBox(Box(20, 10, 25, 15), (22, 12)),
    }


def test_the_centre_of_a_curved_lesion_lies_on_it() -> None:
    bay = with_lesion(slice(100, 121), slice(50, 71)) & ~with_lesion(slice(100, 119), slice(52, 71))  # an L
    around, centre = lesion_boxes({0: bay})[0]
    assert around == Box(50, 100, 71, 121)
    assert centre in {(51, 110), (60, 119)}  # nine pixels from the middle (60, 110); both are
    assert bay[int(centre[1]), int(centre[0])] == 1


def test_the_masks_of_a_data_set_are_those_of_its_annotations(tiny_config: Config) -> None:
    data = load_radiographs(tiny_config.data)
    record, ids = tiny_config.preprocessing(), data.frame["image_id"].tolist()
    found = lesion_masks(data, ids, record)
    tumours = data.frame.index[data.frame["label"] != "Normal"].tolist()  # those of the phantom are all annotated
    assert list(found) == tumours
    for row in tumours:
        annotation = data.annotation(ids[row])
        assert annotation is not None
        transform = input_transform(annotation.height, annotation.width, record)
        np.testing.assert_array_equal(found[row], lesion_mask(annotation, 32, 32, transform=transform))
