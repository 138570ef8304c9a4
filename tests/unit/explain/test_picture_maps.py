from __future__ import annotations

import numpy as np
import pytest
import torch

from osteolens.config import ExplanationOptions
from osteolens.data.preprocessing import normalise
from osteolens.domain import Preprocessing
from osteolens.explain.cam import class_maps, used_method
from osteolens.explain.picture_maps import BATCH, picture_maps
from osteolens.models.classifier import BTXRDClassifier

SIDE = 64  # two cells a side
RECORD = Preprocessing(size=SIDE)
COUNT = BATCH + 3


@pytest.fixture(scope="module")
def pictures():
    return np.random.default_rng(0).integers(0, 255, (COUNT, SIDE, SIDE)).astype(np.uint8)


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return BTXRDClassifier("mobilenetv2_050", 3)


@pytest.fixture(scope="module")
def every(model, pictures):
    return class_maps(model, torch.from_numpy(normalise(pictures, RECORD))).maps.values


def test_each_picture_is_mapped_for_its_own_class(model, pictures, every):
    classes = np.arange(COUNT) % 2 * 2  # 0 and 2; class 1 is asked for by none
    maps = picture_maps(model, RECORD, pictures, classes, options=ExplanationOptions())
    np.testing.assert_allclose(maps.values, every[np.arange(COUNT), classes], atol=1e-5)


def test_several_classes_of_some_pictures(model, pictures, every):
    rows = [4, 0, 17]
    classes = np.array([[2, 0], [0, 1], [1, 2]])
    maps = picture_maps(model, RECORD, pictures, classes, options=ExplanationOptions(), rows=rows)
    assert maps.values.shape == (3, 2, 2, 2)
    np.testing.assert_allclose(maps.values, every[np.array(rows)[:, None], classes], atol=1e-5)


@pytest.mark.parametrize(
    ("backbone", "method", "used"),
    [
        ("mobilenetv2_050", "auto", "closed_form"),
        ("mobilenetv3_small_050", "auto", "gradcam"),
        ("mobilenetv2_050", "eigencam", "eigencam"),
    ],
)
def test_auto_stands_for_one_method_or_the_other(backbone, method, used):
    assert used_method(BTXRDClassifier(backbone, 3), method) == used
