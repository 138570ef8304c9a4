from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from osteolens.config import AugmentationOptions
from osteolens.data.augmentation import shrinking
from osteolens.data.dataset import BTXRDAnnotatedDataset, BTXRDDataset
from osteolens.data.guided_regions import GuidedRegions
from osteolens.domain import Preprocessing

SIDE = 64
AS_IT_IS = shrinking(SIDE, SIDE)
BRIGHT = slice(16, 48)  # columns that the body covers


@pytest.fixture
def picture() -> NDArray[np.uint8]:
    """A limb that runs down the middle of the picture."""
    picture = np.zeros((SIDE, SIDE), np.uint8)
    picture[:, BRIGHT] = 150
    return picture


def _mask(rows: slice, columns: slice) -> NDArray[np.uint8]:
    mask = np.zeros((SIDE, SIDE), np.uint8)
    mask[rows, columns] = 1
    return mask


LESION = _mask(slice(10, 16), slice(20, 24))


def _regions(margin: float = 0.0) -> GuidedRegions:
    return GuidedRegions({1: LESION, 3: np.zeros((SIDE, SIDE), np.uint8)}, lesion_free=[0], margin=margin)


def _region(
    regions: GuidedRegions, row: int, picture: NDArray[np.uint8], seed: int = 0, **options: bool
) -> NDArray[np.uint8]:
    generator = np.random.default_rng(seed)
    return regions.of_view(row, picture, AS_IT_IS, generator, **{"lesion_left_out": False, **options})


def test_an_outline_moves_with_its_picture(picture: NDArray[np.uint8]) -> None:
    np.testing.assert_array_equal(_region(_regions(), 1, picture), LESION)
    right = AS_IT_IS + np.array([[0, 0, 30], [0, 0, 5]])
    generator = np.random.default_rng(0)
    moved = _regions().of_view(1, picture, right, generator, lesion_left_out=False)
    np.testing.assert_array_equal(moved, _mask(slice(15, 21), slice(50, 54)))


def test_a_picture_without_a_lesion_gets_one_of_another_somewhere_on_the_body(picture: NDArray[np.uint8]) -> None:
    seen = np.zeros((SIDE, SIDE))
    areas = []
    for seed in range(400):
        region = _region(_regions(), 0, picture, seed)
        areas.append(int(region.sum()))
        seen += region
    outside = np.ones(SIDE, bool)
    outside[BRIGHT.start - 4 : BRIGHT.stop + 4] = False  # the body comes with a margin of air
    assert not seen[:, outside].any()
    assert (seen[4:-4, BRIGHT.start : BRIGHT.stop] > 0).mean() > 0.95
    assert max(areas) == LESION.sum()
    assert np.mean(areas) > 0.85 * LESION.sum()  # part of it may lie outside
    assert min(areas) > 0


def test_a_region_is_moved_by_the_flips_and_zooms_of_its_view(picture: NDArray[np.uint8]) -> None:
    tall_to_twice_as_large = np.array([[2.0, 0, 0], [0, 2.0, 0]])
    areas = []
    for seed in range(20):
        generator = np.random.default_rng(seed)
        areas.append(_regions().of_view(0, picture, tall_to_twice_as_large, generator, lesion_left_out=False).sum())
    assert max(areas) == 4 * LESION.sum()


def test_other_pictures_have_none(picture: NDArray[np.uint8]) -> None:
    for row in (2, 3):  # a lesion without an outline that is used, and an outline outside the picture
        assert not _region(_regions(), row, picture).any()
    nobody_lends = GuidedRegions({}, lesion_free=[0], margin=0.1)
    assert not _region(nobody_lends, 0, picture).any()


def test_a_view_that_leaves_its_lesion_out_is_one_without_a_lesion(picture: NDArray[np.uint8]) -> None:
    left_out = _region(_regions(), 1, picture, lesion_left_out=True)
    np.testing.assert_array_equal(left_out, _region(_regions(), 0, picture))
    assert left_out.any()


def test_a_margin_widens_what_is_there(picture: NDArray[np.uint8]) -> None:
    wide = _region(_regions(margin=2 / SIDE), 1, picture)
    assert wide[8:18, 22].all()
    assert not wide[7, 22]
    assert not wide[18, 22]
    assert not _region(_regions(margin=0.2), 2, picture).any()


@pytest.mark.parametrize("grey", [0, 255])
def test_an_even_picture_is_all_body(grey: int) -> None:
    assert _region(_regions(), 0, np.full((SIDE, SIDE), grey, np.uint8)).any()


def test_samples_bear_regions_and_are_otherwise_the_same(picture: NDArray[np.uint8]) -> None:
    pictures = np.stack([picture] * 4)
    pictures[1][LESION > 0] = 255
    record = Preprocessing(SIDE, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))
    options = AugmentationOptions(brightness=0.0, contrast=0.0)
    plain = BTXRDDataset(pictures, [0, 1, 2, 1], record, augmentation=options)
    guided = BTXRDDataset(pictures, [0, 1, 2, 1], record, augmentation=options, regions=_regions())
    drawn = []
    for epoch in range(3):
        plain.set_epoch(epoch)
        guided.set_epoch(epoch)
        for index in range(4):
            sample = guided[index]
            assert "region" not in plain[index]
            assert sample["image"].equal(plain[index]["image"])
        lesion, region = guided[1]["image"][0] > 0.8, guided[1]["region"] > 0
        assert (lesion & ~region).sum() <= 0.2 * region.sum()  # but for the border, which is interpolated
        assert region.sum() > 10
        drawn.append(guided[0]["region"])
    assert not drawn[0].equal(drawn[1])
    guided.set_epoch(0)
    assert guided[0]["region"].equal(drawn[0])


def test_a_dimmed_copy_bears_the_region_of_its_lesion(picture: NDArray[np.uint8]) -> None:
    record = Preprocessing(SIDE, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))
    dataset = BTXRDAnnotatedDataset(
        np.stack([picture] * 2), [0, 1], record, masks={1: LESION}, dim_factor=0.0, regions=_regions()
    )
    np.testing.assert_array_equal(dataset[2]["region"].numpy(), LESION)
    np.testing.assert_array_equal(dataset[2]["image"][0].numpy() > 0, LESION > 0)
