from __future__ import annotations

from typing import Any

import numpy as np

from osteolens.evaluation.honesty_figures import blind_figure


def scores(accuracy: float, low: float | None, high: float | None) -> dict[str, Any]:
    entry = {"value": accuracy, "low": low, "high": high}
    return {"accuracy": entry, "balanced_accuracy": entry, "macro_auc": {"value": None, "low": None, "high": None}}


def panel() -> dict[str, Any]:
    return {
        "split": "test",
        "confidence": 0.95,
        "scores": scores(0.7, 0.65, 0.75),
        "blind": {
            "class_shares": {"possible": True, "scores": scores(0.5, None, None)},
            "image_header": {"possible": False, "reason": "no headers"},
            "source": {"possible": True, "scores": scores(0.9, 0.85, 0.92)},
        },
    }


def test_each_scored_model_has_a_row() -> None:
    (axes,) = blind_figure(panel()).axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["The model", "Commonest class", "Source only"]
    accuracy, balanced, auc = axes.containers
    np.testing.assert_allclose(accuracy.lines[0].get_xdata(), [0.7, 0.5, 0.9])
    np.testing.assert_allclose(balanced.lines[0].get_xdata(), [0.7, 0.5, 0.9])
    assert np.isnan(auc.lines[0].get_xdata()).all()
    limits = accuracy.lines[2][0].get_segments()
    np.testing.assert_allclose(limits[0][:, 0], [0.65, 0.75])
    np.testing.assert_allclose(limits[-1][:, 0], [0.85, 0.92])


def test_the_model_is_marked_through_all_rows() -> None:
    (axes,) = blind_figure(panel()).axes
    marks = [line for line in axes.lines if list(line.get_xdata()) == [0.7, 0.7]]
    assert len(marks) == 1
    assert "test part, 95% intervals" in axes.get_xlabel()
