from __future__ import annotations

import json
import math

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.linear_model import LogisticRegression

from osteolens.errors import EvaluationError
from osteolens.evaluation.calibration import Scaling, fit_temperature, fit_vector


def overconfident(images: int = 400, classes: int = 3, factor: float = 2.0) -> tuple[np.ndarray, np.ndarray]:
    """Labels, and probabilities that are too sure by a temperature of `factor`."""
    generator = np.random.default_rng(8)
    logits = 1.5 * generator.normal(size=(images, classes))
    labels = (generator.random((images, 1)) > softmax(logits, axis=1).cumsum(axis=1)).sum(axis=1)
    return np.minimum(labels, classes - 1), softmax(factor * logits, axis=1)


def test_temperature_worked_out_by_hand() -> None:
    # Nine to one is said, seven in ten come true: the odds 9 must become 7 / 3.
    probabilities = np.tile([0.9, 0.1], (10, 1))
    scaling = fit_temperature(np.repeat([0, 1], [7, 3]), probabilities)
    assert scaling.temperature == pytest.approx(math.log(9) / math.log(7 / 3), rel=1e-6)
    assert scaling.apply(probabilities) == pytest.approx(np.tile([0.7, 0.3], (10, 1)), abs=1e-6)
    assert (scaling.images, scaling.reason) == (10, None)


def test_known_temperature_is_found() -> None:
    assert fit_temperature(*overconfident(20_000)).temperature == pytest.approx(2.0, rel=0.03)


def test_temperature_is_scikit_learns() -> None:
    pytest.importorskip("sklearn", minversion="1.8")
    from sklearn.frozen import FrozenEstimator

    class Given(ClassifierMixin, BaseEstimator):
        def fit(self, X: np.ndarray, y: np.ndarray) -> Given:  # noqa: ARG002
            self.classes_ = np.unique(y)
            return self

        def predict(self, X: np.ndarray) -> np.ndarray:
            return self.classes_[X.argmax(axis=1)]

        def decision_function(self, X: np.ndarray) -> np.ndarray:
            return X

    labels, probabilities = overconfident()
    logits = np.log(probabilities)
    reference = CalibratedClassifierCV(FrozenEstimator(Given().fit(logits, labels)), method="temperature", cv=4)
    expected = reference.fit(logits, labels).predict_proba(logits)
    ours = fit_temperature(labels, probabilities).apply(probabilities)
    assert ours == pytest.approx(expected, abs=1e-5)


def test_vector_scaling_of_two_classes_is_logistic_regression() -> None:
    labels, probabilities = overconfident(classes=2)
    logits = np.log(probabilities)
    reference = LogisticRegression(C=np.inf, tol=1e-10, max_iter=10_000).fit(logits, labels)
    ours = fit_vector(labels, probabilities).apply(probabilities)
    assert ours == pytest.approx(reference.predict_proba(logits), abs=1e-5)


def test_vector_scaling_meets_the_conditions_of_the_optimum() -> None:
    labels, probabilities = overconfident()
    scaling = fit_vector(labels, probabilities)
    surplus = scaling.apply(probabilities) - np.eye(3)[labels]
    assert surplus.mean(axis=0) == pytest.approx(np.zeros(3), abs=1e-6)  # slope in the biases
    assert (surplus * np.log(probabilities)).mean(axis=0) == pytest.approx(np.zeros(3), abs=1e-5)  # in the weights
    assert sum(scaling.biases) == pytest.approx(0, abs=1e-12)
    assert scaling.temperature is None


def test_probability_zero_is_borne() -> None:
    labels = np.array([0, 0, 1, 1, 2, 2])
    probabilities = np.array([[1, 0, 0], [0, 1, 0], [0, 1, 0], [0, 0.5, 0.5], [0, 0, 1], [1, 0, 0]], dtype=float)
    for fit in (fit_temperature, fit_vector):
        calibrated = fit(labels, probabilities).apply(probabilities)
        assert np.isfinite(calibrated).all()
        assert calibrated.sum(axis=1) == pytest.approx(np.ones(6))
        assert calibrated[1, 0] > 1e-3  # true, and was 0


def test_separated_classes_stop_at_the_limit_and_say_so() -> None:
    labels = np.arange(30) % 3
    barely, fully = np.full((30, 3), 0.2) + 0.4 * np.eye(3)[labels], np.eye(3)[labels]
    assert fit_temperature(labels, barely).temperature == pytest.approx(1 / 10)
    for probabilities in (barely, fully):
        for fit in (fit_temperature, fit_vector):
            assert "stopped at a limit" in str(fit(labels, probabilities).reason)


def test_a_temperature_never_changes_the_answer() -> None:
    labels, probabilities = overconfident()
    scaling = fit_temperature(labels, probabilities)
    assert (scaling.apply(probabilities).argmax(axis=1) == probabilities.argmax(axis=1)).all()


@pytest.mark.parametrize("fit", [fit_temperature, fit_vector])
def test_record_survives_json(fit: object) -> None:
    labels, probabilities = overconfident(60)
    scaling = fit(labels, probabilities)  # type: ignore[operator]
    again = Scaling.from_json(json.loads(json.dumps(scaling.to_json())))
    assert again == scaling
    assert (again.apply(probabilities) == scaling.apply(probabilities)).all()


def test_what_cannot_be_fitted_or_applied_is_refused() -> None:
    probabilities = np.full((4, 3), 1 / 3)
    with pytest.raises(EvaluationError, match="images of 2 classes in the validation part; there are 1"):
        fit_temperature(np.zeros(4, dtype=int), probabilities)
    with pytest.raises(EvaluationError, match="images of 3 classes in the validation part; there are 2"):
        fit_vector(np.array([0, 0, 1, 1]), probabilities)
    with pytest.raises(EvaluationError, match="is for 2 classes, the probabilities are of 3"):
        Scaling("temperature", (1.0, 1.0), (0.0, 0.0), 5).apply(probabilities)
    for weights, biases in (((0.0, 1.0), (0.0, 0.0)), ((1.0,), (0.0, 0.0)), ((1.0, 1.0), (math.nan, 0.0))):
        with pytest.raises(EvaluationError, match="one weight above 0 and one finite bias per class"):
            Scaling("vector", weights, biases, 5)
