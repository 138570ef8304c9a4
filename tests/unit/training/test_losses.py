from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.utils.class_weight import compute_class_weight

from osteolens.errors import TrainingError
from osteolens.training.losses import compute_class_weights, cross_entropy_sums

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


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_sums_of_the_loss_give_the_mean_of_torch(smoothing: float) -> None:
    generator = torch.Generator().manual_seed(0)
    logits, labels = torch.randn(8, 3, generator=generator), torch.tensor([0, 1, 2, 0, 0, 1, 0, 2])
    weights = torch.tensor([0.5, 1.0, 4.0])
    expected = torch.nn.functional.cross_entropy(logits, labels, weight=weights, label_smoothing=smoothing)
    whole = cross_entropy_sums(logits, labels, weights, smoothing)
    shares = [cross_entropy_sums(logits[rows], labels[rows], weights, smoothing) for rows in (slice(3), slice(3, 8))]
    assert whole[1] == 4 * 0.5 + 2 * 1.0 + 2 * 4.0
    for total, weight in (whole, sum(shares)):
        assert total / weight == pytest.approx(expected.item(), rel=1e-6)
    mean_of_means = sum(total / weight for total, weight in shares) / 2
    assert mean_of_means != pytest.approx(expected.item(), rel=1e-3)
