from __future__ import annotations

import numpy as np
import pytest
from sklearn.utils.class_weight import compute_class_weight

from osteolens.errors import TrainingError
from osteolens.training.losses import compute_class_weights

NAMES = ("Normal", "Benign", "Malignant")


def test_inverse_frequency_on_the_baseline_split() -> None:
    # 1,315 / 1,066 / 240 training images: the known check value
    labels = [0] * 1315 + [1] * 1066 + [2] * 240
    assert compute_class_weights(labels, NAMES) == pytest.approx([0.664, 0.820, 3.640], abs=5e-4)


def test_balanced_equals_scikit_learn() -> None:
    labels = np.random.default_rng(0).choice(3, size=200, p=[0.6, 0.3, 0.1])
    expected = compute_class_weight("balanced", classes=np.arange(3), y=labels)
    assert compute_class_weights(labels.tolist(), NAMES) == pytest.approx(expected)


def test_milder_weightings() -> None:
    labels = [0, 0, 0, 0, 1, 1, 1, 1, 2]  # balanced: 9 / (3 * 4) = .75, .75, 9 / (3 * 1) = 3
    assert compute_class_weights(labels, NAMES, "sqrt_balanced") == pytest.approx([0.75**0.5, 0.75**0.5, 3**0.5])
    assert compute_class_weights(labels, NAMES, "none").tolist() == [1, 1, 1]


def test_an_absent_class_is_named() -> None:
    with pytest.raises(TrainingError, match="no image of Malignant"):
        compute_class_weights([0, 1, 1], NAMES)
