from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from torch.utils.data import DataLoader

from osteolens.config import AugmentationOptions
from osteolens.data.cache import cached_pictures
from osteolens.data.dataset import BTXRDAnnotatedDataset, BTXRDDataset, dim_outside
from osteolens.data.masks import Box, LesionBox
from osteolens.data.preprocessing import normalise, read_input
from osteolens.domain import Preprocessing, ResizeMode

SIZE = 16
RECORD = Preprocessing(SIZE, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))  # an input is grey / 255
LABELS = [0, 1, 2, 0, 2]
NOTHING = {**dict.fromkeys(AugmentationOptions.model_fields, 0.0), "low_resolution": 1.0}
EVERYTHING = AugmentationOptions(
    vertical_flip=0.5, zoom_in=0.5, gamma=0.3, low_resolution=2.0, sharpness=0.5, noise=0.03, erase=0.5
)


@pytest.fixture(autouse=True)
def _workers_do_not_wait_for_opencv() -> None:
    """As training does before it starts workers."""
    cv2.setNumThreads(0)


@pytest.fixture
def pictures() -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (5, SIZE, SIZE), dtype=np.uint8)


@pytest.fixture
def masks() -> dict[int, NDArray[np.uint8]]:
    """Lesions of pictures 4 and 1, named in that order."""
    lower, left = np.zeros((SIZE, SIZE), np.uint8), np.zeros((SIZE, SIZE), np.uint8)
    lower[8:] = 1
    left[:, :4] = 1
    return {4: lower, 1: left}


def greys(image: torch.Tensor) -> NDArray[np.int64]:
    return np.rint(image[0].numpy() * 255).astype(np.int64)


def augmented(pictures: NDArray[np.uint8], seed: int = 3) -> BTXRDDataset:
    return BTXRDDataset(pictures, LABELS, RECORD, augmentation=AugmentationOptions(), seed=seed)


def test_a_sample_is_the_normalised_picture_with_its_label(pictures: NDArray[np.uint8]) -> None:
    record = Preprocessing(SIZE)
    dataset = BTXRDDataset(pictures, LABELS, record)
    assert len(dataset) == 5
    sample = dataset[2]
    assert sample["image"].shape == (3, SIZE, SIZE)
    assert sample["image"].dtype == torch.float32
    expected = (pictures[2, 3, 4] / 255 - 0.456) / 0.224
    assert sample["image"][1, 3, 4].item() == pytest.approx(expected, abs=1e-5)
    assert (sample["label"], sample["index"]) == (2, 2)


def test_indices_count_from_the_end_and_stop_at_it(
    pictures: NDArray[np.uint8], masks: dict[int, NDArray[np.uint8]]
) -> None:
    plain = BTXRDDataset(pictures, LABELS, RECORD)
    annotated = BTXRDAnnotatedDataset(pictures, LABELS, RECORD, masks=masks)
    for dataset in (plain, annotated):
        last = dataset[-1]
        assert last["index"] == len(dataset) - 1
        assert last["label"] == dataset[len(dataset) - 1]["label"]
        assert torch.equal(last["image"], dataset[len(dataset) - 1]["image"])
        for index in (len(dataset), -len(dataset) - 1):
            with pytest.raises(IndexError):
                dataset[index]


def test_without_augmentation_every_epoch_is_the_same(pictures: NDArray[np.uint8]) -> None:
    dataset = BTXRDDataset(pictures, LABELS, RECORD, seed=1)
    before = dataset[0]["image"]
    dataset.set_epoch(5)
    assert torch.equal(dataset[0]["image"], before)
    np.testing.assert_array_equal(greys(before), pictures[0])


def test_a_draw_depends_on_seed_epoch_and_index_only(pictures: NDArray[np.uint8]) -> None:
    forwards, backwards = augmented(pictures), augmented(pictures)
    one = [forwards[index]["image"] for index in range(5)]
    other = [backwards[index]["image"] for index in reversed(range(5))][::-1]
    assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))
    forwards.set_epoch(1)
    assert not torch.equal(forwards[0]["image"], one[0])
    forwards.set_epoch(0)
    assert torch.equal(forwards[0]["image"], one[0])
    assert not torch.equal(augmented(pictures, seed=4)[0]["image"], one[0])


def test_equal_pictures_are_changed_differently() -> None:
    same = np.repeat(np.random.default_rng(0).integers(0, 256, (1, SIZE, SIZE), dtype=np.uint8), 5, axis=0)
    dataset = augmented(same)
    assert not torch.equal(dataset[0]["image"], dataset[1]["image"])


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")  # of forking, from Python 3.12 on
def test_workers_do_not_change_a_sample(pictures: NDArray[np.uint8]) -> None:
    def batches(workers: int) -> list[torch.Tensor]:
        loader = DataLoader(augmented(pictures), batch_size=2, num_workers=workers)
        return [batch["image"] for batch in loader]

    alone, shared = batches(0), batches(2)
    assert len(alone) == 3
    assert all(torch.equal(a, b) for a, b in zip(alone, shared, strict=True))


def test_a_batch_holds_images_labels_and_indices(pictures: NDArray[np.uint8]) -> None:
    batch = next(iter(DataLoader(BTXRDDataset(pictures, LABELS, RECORD), batch_size=5)))
    assert batch["image"].shape == (5, 3, SIZE, SIZE)
    assert batch["label"].tolist() == LABELS
    assert batch["index"].tolist() == [0, 1, 2, 3, 4]


def test_dimming_by_hand() -> None:
    picture = np.array([[200, 101], [50, 1]], np.uint8)
    mask = np.array([[1, 0], [0, 0]], np.uint8)
    assert dim_outside(picture, mask, 0.5).tolist() == [[200, 51], [25, 1]]  # halves are rounded up
    assert dim_outside(picture, mask, 0.0).tolist() == [[200, 0], [0, 0]]
    assert dim_outside(picture, mask, 1.0).tolist() == picture.tolist()
    assert dim_outside(picture, mask, 0.5).dtype == np.uint8


def test_dimmed_copies_follow_the_originals_in_their_order(
    pictures: NDArray[np.uint8], masks: dict[int, NDArray[np.uint8]]
) -> None:
    dataset = BTXRDAnnotatedDataset(pictures, LABELS, RECORD, masks=masks, dim_factor=0.5)
    assert len(dataset) == 7
    assert dataset.labels == [*LABELS, 1, 2]  # copies of pictures 1 and 4
    for index in range(5):
        np.testing.assert_array_equal(greys(dataset[index]["image"]), pictures[index])
    for index, row in ((5, 1), (6, 4)):
        sample = dataset[index]
        assert (sample["label"], sample["index"]) == (LABELS[row], index)
        halved = np.floor(pictures[row] * 0.5 + 0.5)
        expected = np.where(masks[row] == 1, pictures[row], halved)
        np.testing.assert_array_equal(greys(sample["image"]), expected)


def test_the_dimming_moves_with_the_lesion(pictures: NDArray[np.uint8], masks: dict[int, NDArray[np.uint8]]) -> None:
    nothing = {"rotation": 0.0, "scale": 0.0, "translation": 0.0, "brightness": 0.0, "contrast": 0.0}
    flip = AugmentationOptions(horizontal_flip=1.0, **nothing)
    dataset = BTXRDAnnotatedDataset(pictures, LABELS, RECORD, masks=masks, dim_factor=0.0, augmentation=flip)
    result = greys(dataset[5]["image"])  # picture 1, lesion at the left
    np.testing.assert_array_equal(result[:, 12:], pictures[1][:, ::-1][:, 12:])
    assert not result[:, :12].any()
    np.testing.assert_array_equal(greys(dataset[1]["image"]), pictures[1][:, ::-1])


def test_a_copy_is_augmented_independently_of_its_original(
    pictures: NDArray[np.uint8], masks: dict[int, NDArray[np.uint8]]
) -> None:
    dataset = BTXRDAnnotatedDataset(
        pictures, LABELS, RECORD, masks=masks, dim_factor=1.0, augmentation=AugmentationOptions(), seed=1
    )
    assert not torch.equal(dataset[1]["image"], dataset[5]["image"])


def test_inputs_and_masks_are_sampled_from_base_pictures() -> None:
    record = Preprocessing(SIZE, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0), supersampling=2.0)
    base = np.kron(np.random.default_rng(5).integers(0, 256, (5, SIZE, SIZE)), np.ones((1, 2, 2))).astype(np.uint8)
    mask = np.zeros((2 * SIZE, 2 * SIZE), np.uint8)
    mask[: SIZE // 2] = 1
    for augmentation in (None, AugmentationOptions(**NOTHING)):
        dataset = BTXRDAnnotatedDataset(
            base, LABELS, record, masks={3: mask}, dim_factor=0.0, augmentation=augmentation
        )
        np.testing.assert_array_equal(greys(dataset[3]["image"]), base[3, ::2, ::2])  # every 2 x 2 block is one grey
        copy = greys(dataset[5]["image"])
        np.testing.assert_array_equal(copy[: SIZE // 4], base[3, ::2, ::2][: SIZE // 4])
        assert not copy[SIZE // 4 :].any()


@pytest.mark.parametrize("mode", ["stretch", "letterbox"])
@pytest.mark.parametrize("supersampling", [1.0, 1.6])
def test_training_without_random_changes_sees_what_inference_sees(
    tmp_path: Path, mode: ResizeMode, supersampling: float
) -> None:
    record = Preprocessing(
        40, mode, supersampling=supersampling, clahe=True, equalise_resolution=50, clean_background=True,
        intensity="percentile",
    )  # fmt: skip
    paths = [tmp_path / name for name in ("large.jpg", "small.png")]
    y, x = np.mgrid[:300, :200]
    limb = np.where(abs(x - 100) < 40, 90 + 60 * np.sin(y / 9), 10).astype(np.uint8)
    Image.fromarray(limb).save(paths[0])
    Image.fromarray(limb[:48, 60:130]).save(paths[1])
    dataset = BTXRDDataset(cached_pictures(paths, record.base, tmp_path / "cache"), [0, 1], record)
    for index, path in enumerate(paths):
        answered = torch.from_numpy(normalise(read_input(path, record), record))
        assert torch.equal(dataset[index]["image"], answered)


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")  # of forking, from Python 3.12 on
def test_with_every_switch_a_draw_depends_on_seed_epoch_and_index_only(pictures: NDArray[np.uint8]) -> None:
    def images(workers: int, seed: int = 3) -> torch.Tensor:
        boxes = {1: LesionBox(Box(2, 2, 5, 6), (3, 4))}
        dataset = BTXRDDataset(pictures, LABELS, RECORD, augmentation=EVERYTHING, lesion_boxes=boxes, seed=seed)
        return torch.cat([batch["image"] for batch in DataLoader(dataset, batch_size=2, num_workers=workers)])

    alone = images(0)
    assert torch.equal(alone, images(2))
    assert not torch.equal(alone, images(0, seed=4))
    assert alone.shape == (5, 3, SIZE, SIZE)
    assert 0 <= alone.min() <= alone.max() <= 1


def test_the_lesion_of_a_picture_is_kept_in_view_and_never_erased() -> None:
    base = np.full((1, 64, 64), 10, np.uint8)
    base[0, 4:10, 50:58] = 250
    record = Preprocessing(48, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0), supersampling=64 / 48)
    options = AugmentationOptions(**{**NOTHING, "zoom_in": 1.0, "erase": 1.0, "rotation": 15.0})
    place = LesionBox(Box(50, 4, 58, 10), (54, 7))
    known = BTXRDDataset(base, [1], record, augmentation=options, lesion_boxes={0: place})
    unknown = BTXRDDataset(base, [1], record, augmentation=options)
    seen, erased, unaware = [], 0, []
    for epoch in range(100):
        known.set_epoch(epoch)
        unknown.set_epoch(epoch)
        view = greys(known[0]["image"])
        seen.append((view == 250).any())
        erased += bool(((view > 0) & (view < 250) & (view != 10)).sum() > 40)
        unaware.append((greys(unknown[0]["image"]) == 250).any())
    assert all(seen)
    assert erased > 60
    assert not all(unaware)


def test_a_part_without_its_lesion_counts_as_normal() -> None:
    base = np.full((1, 64, 64), 10, np.uint8)
    base[0, 8:20, 40:52] = 250
    record = Preprocessing(48, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0), supersampling=64 / 48)
    options = AugmentationOptions(**{**NOTHING, "zoom_in": 2.0, "lesion_free": 0.5, "rotation": 15.0})
    boxes = {0: LesionBox(Box(40, 8, 52, 20), (46, 14))}
    dataset = BTXRDDataset(base, [2], record, augmentation=options, lesion_boxes=boxes, normal_index=1)
    labels = []
    for epoch in range(200):
        dataset.set_epoch(epoch)
        sample = dataset[0]
        lesion = greys(sample["image"]) > 10
        assert lesion.any() or sample["label"] == 1
        assert not lesion.any() or sample["label"] == 2
        labels.append(sample["label"])
    assert 50 < labels.count(1) < 110  # half of the draws, but for those zoomed in too little to leave it out


def test_a_dimmed_copy_always_shows_its_lesion() -> None:
    base = np.full((1, 64, 64), 100, np.uint8)
    mask = np.zeros((64, 64), np.uint8)
    mask[8:20, 40:52] = 1
    record = Preprocessing(64, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))
    options = AugmentationOptions(**{**NOTHING, "zoom_in": 2.0, "lesion_free": 1.0})
    dataset = BTXRDAnnotatedDataset(base, [2], record, masks={0: mask}, augmentation=options)
    for epoch in range(50):
        dataset.set_epoch(epoch)
        assert dataset[1]["label"] == 2
        assert (greys(dataset[1]["image"]) == 100).any()


def test_a_lesion_is_kept_in_the_dimmed_copy_and_in_its_original() -> None:
    base = np.full((2, 32, 32), 100, np.uint8)
    mask = np.zeros((32, 32), np.uint8)
    mask[2:7, 24:31] = 1
    record = Preprocessing(32, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))
    options = AugmentationOptions(**{**NOTHING, "zoom_in": 1.0, "erase": 1.0})
    dataset = BTXRDAnnotatedDataset(base, [1, 0], record, masks={0: mask}, dim_factor=0.5, augmentation=options)
    assert dataset.lesion_boxes == {0: LesionBox(Box(24, 2, 31, 7), (27, 4))}
    for epoch in range(40):
        dataset.set_epoch(epoch)
        copy = greys(dataset[2]["image"])
        assert (copy == 100).any()  # the lesion, neither dimmed nor erased; the rest is 50 or half of another grey


def test_a_copy_whose_lesion_is_shifted_out_of_view_is_not_dimmed() -> None:
    base = np.full((1, 32, 32), 100, np.uint8)
    mask = np.zeros((32, 32), np.uint8)
    mask[14:18, 0:2] = 1
    record = Preprocessing(32, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))
    options = AugmentationOptions(**{**NOTHING, "translation": 0.2})
    dataset = BTXRDAnnotatedDataset(base, [2], record, masks={0: mask}, dim_factor=0.3, augmentation=options)
    dimmed = []
    for epoch in range(40):
        dataset.set_epoch(epoch)
        copy = greys(dataset[1]["image"])
        assert (copy == 100).any()  # the lesion, or the whole picture
        dimmed.append((copy == 30).any())
    assert 10 < sum(dimmed) < 30  # half of the shifts are to the left


def test_an_empty_mask_has_no_box(pictures: NDArray[np.uint8]) -> None:
    nothing = np.zeros((SIZE, SIZE), np.uint8)
    assert BTXRDAnnotatedDataset(pictures, LABELS, RECORD, masks={1: nothing}).lesion_boxes == {}
