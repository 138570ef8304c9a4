from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.decomposition import PCA

from osteolens.errors import CheckpointError, TrainingError
from osteolens.inference.novelty import Novelty, NoveltyModel


def _features(number: int, seed: int) -> np.ndarray:
    generator = np.random.default_rng(seed)
    mixing = np.random.default_rng(0).normal(size=(12, 12)) * np.linspace(3, 0.1, 12)
    return (generator.normal(size=(number, 12)) @ mixing).astype(np.float32)


@pytest.fixture(scope="module")
def model() -> NoveltyModel:
    return NoveltyModel.fit(_features(400, 1), _features(99, 2), axes=4)


def test_a_distance_worked_out_by_hand() -> None:
    model = NoveltyModel(
        mean=np.array([1, 1, 0], np.float32),
        axes=np.array([[0, 1, 0]], np.float32),
        deviations=np.array([2], np.float32),
        noise=0.5,
        threshold=6.0,
        refused=0.05,
    )
    # the signed roots (3, 5, -1) lie (2, 4, -1) from the mean: (4 / 2)^2 + (2^2 + 1^2) / 0.5^2 = 24
    features = np.array([[9, 25, -1], [1, 1, 0]], np.float32)
    assert model.scores(features) == pytest.approx([np.sqrt(24), 0])
    assert [answer.is_novel for answer in model.judge(features)] == [False, False]


def test_the_distance_is_that_of_scikit_learns_probabilistic_components(model: NoveltyModel) -> None:
    def rooted(features: np.ndarray) -> np.ndarray:
        return (np.sign(features) * np.sqrt(np.abs(features))).astype(np.float64)

    components = PCA(4, svd_solver="full").fit(rooted(_features(400, 1)))
    centred = rooted(_features(50, 3)) - components.mean_
    expected = np.sqrt(np.einsum("nf,fg,ng->n", centred, components.get_precision(), centred))
    found = model.scores(_features(50, 3))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_of_99_held_out_pictures_the_95th_is_the_limit(model: NoveltyModel) -> None:
    distances = model.scores(_features(99, 2))
    assert model.threshold == np.sort(distances)[94]
    assert int((distances > model.threshold).sum()) == 4
    assert [answer.is_novel for answer in model.judge(_features(99, 2))] == (distances > model.threshold).tolist()


def test_pictures_far_away_are_novel_and_said_to_be(model: NoveltyModel) -> None:
    far = model.judge(_features(5, 4) * 100)
    assert all(answer.is_novel for answer in far)
    assert far[0].reason.startswith("does not look like the radiographs the network was trained on (distance ")
    assert far[0].words.startswith("This does not look like the radiographs")
    assert "do not rely" in far[0].words
    assert "looks like the radiographs" in Novelty(1.0, 2.0, 0.05).words
    assert Novelty(float("nan"), 2.0, 0.05).is_novel


def test_the_parameters_survive_storage(model: NoveltyModel) -> None:
    arrays = model.to_arrays()
    assert {array.dtype for array in arrays.values()} == {np.dtype(np.float32)}
    again = NoveltyModel.from_arrays(arrays)
    np.testing.assert_array_equal(again.scores(_features(20, 5)), model.scores(_features(20, 5)))
    assert again.threshold == model.threshold


def test_more_features_than_pictures_and_features_that_never_vary() -> None:
    few = np.random.default_rng(0).random((6, 12)).astype(np.float32)
    few[:, 3] = 1
    held_out = np.random.default_rng(1).random((19, 12)).astype(np.float32)
    held_out[:, 3] = 1
    model = NoveltyModel.fit(few, held_out)
    assert model.axes.shape == (2, 12)
    stranger = held_out[:1].copy()
    stranger[0, 3] = 50
    assert np.isfinite(model.scores(held_out)).all()
    assert model.judge(stranger)[0].is_novel


def test_what_cannot_be_fitted_is_told() -> None:
    with pytest.raises(TrainingError, match="18 held-out pictures are too few"):
        NoveltyModel.fit(_features(40, 1), _features(18, 2))
    with pytest.raises(TrainingError, match="1 train pictures"):
        NoveltyModel.fit(_features(1, 1), _features(40, 2))
    spoilt = _features(40, 1)
    spoilt[3, 3] = np.nan
    with pytest.raises(TrainingError, match="not finite"):
        NoveltyModel.fit(spoilt, _features(40, 2))


@pytest.mark.parametrize(
    "change",
    [
        {"format": 2.0},
        {"mean": np.zeros(3)},
        {"mean": "text"},
        {"deviations": np.full(4, -1.0)},
        {"noise": 0.0},
        {"noise": np.ones(2)},
        {"threshold": np.nan},
        {"refused": 1.5},
        {"surplus": 1.0},
    ],
)
def test_damaged_parameters_are_refused(model: NoveltyModel, change: dict[str, Any]) -> None:
    with pytest.raises(CheckpointError, match="the parameters of novelty"):
        NoveltyModel.from_arrays({**model.to_arrays(), **change})


def test_missing_parameters_and_those_of_another_network_are_refused(model: NoveltyModel) -> None:
    arrays = model.to_arrays()
    del arrays["axes"]
    with pytest.raises(CheckpointError, match="damaged or of another version"):
        NoveltyModel.from_arrays(arrays)
    with pytest.raises(CheckpointError, match="are of 12 features, the network has 7"):
        model.scores(np.ones((1, 7), np.float32))
