from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from osteolens.evaluation.corruption_figures import corruption_figure

METRICS = ("accuracy", "balanced_accuracy", "macro_auc")


def entry(value: float | None, width: float | None = 0.02) -> dict[str, Any]:
    has_limits = value is not None and width is not None
    return {
        "value": value,
        "low": value - width if has_limits else None,
        "high": value + width if has_limits else None,
        "reason": None if has_limits else "said here",
    }


def figures(value: float, own: dict[str, Any], classes: tuple[str, ...]) -> dict[str, Any]:
    return {metric: entry(value + 0.01 * k) for k, metric in enumerate(METRICS)} | {
        "sensitivity": dict.fromkeys(classes, own)
    }


def words(title: str, *strengths: float, one_step: bool = False) -> dict[str, Any]:
    return {"title": title, "description": "", "unit": "a unit", "one_step": one_step, "strengths": list(strengths)}


def point(strength: float, loss: float, own: dict[str, Any], classes: tuple[str, ...]) -> dict[str, Any]:
    return {"strength": strength, "loss": figures(loss, own, classes)}


def record(*classes: str) -> dict[str, Any]:
    return {
        "class_names": list(classes),
        "split": "test",
        "confidence": 0.95,
        "corruptions": {
            "noise": words("noise", 0.1, 0.2),
            "brightness": words("brightness", -0.4, 0.4),
            "inversion": words("inversion", 1.0, one_step=True),
        },
        "clean": {"n": 80, "cases": 40} | figures(0.7, entry(0.6), classes),
        "curves": {
            "noise": [
                point(0.1, 0.05, entry(0.0, None), classes),
                point(0.2, 0.10, entry(0.3), classes),
            ],
            "brightness": [point(-0.4, 0.20, entry(0.1), classes), point(0.4, 0.15, entry(0.1), classes)],
            "inversion": [point(1.0, 0.40, entry(0.5), classes)],
        },
    }


def test_lines_hold_the_losses_and_pass_through_the_clean_picture() -> None:
    noise, brightness, done = corruption_figure(record("Normal", "Malignant")).axes
    assert [axes.get_title() for axes in (noise, brightness, done)] == ["Noise", "Brightness", "Done or not"]
    accuracy, macro_auc, sensitivity = (line for line in noise.lines if len(line.get_xdata()) == 3)
    assert accuracy.get_xdata().tolist() == [0, 0.1, 0.2]
    assert accuracy.get_ydata().tolist() == [0, 0.05, 0.1]
    assert macro_auc.get_ydata().tolist() == pytest.approx([0, 0.07, 0.12])
    assert sensitivity.get_ydata().tolist() == [0, 0, 0.3]
    signed = next(line for line in brightness.lines if len(line.get_xdata()) == 3)
    assert signed.get_xdata().tolist() == [-0.4, 0, 0.4]
    assert signed.get_ydata().tolist() == [0.2, 0, 0.15]
    assert len({line.get_marker() for line in (accuracy, macro_auc, sensitivity)}) == 3


def test_what_is_done_or_not_is_drawn_as_points_with_their_limits() -> None:
    done = corruption_figure(record("Normal", "Malignant")).axes[-1]
    assert [label.get_text() for label in done.get_xticklabels()] == ["Inversion"]
    points = [line for line in done.lines if line.get_linestyle() == "None"]
    assert [line.get_ydata().tolist() for line in points] == [[0.4], [pytest.approx(0.42)], [0.5]]
    limits = [collection.get_segments()[0][:, 1] for collection in done.collections]
    np.testing.assert_allclose(limits, [[0.38, 0.42], [0.40, 0.44], [0.48, 0.52]])


def test_all_panels_have_one_scale_and_the_page_says_what_it_rests_on() -> None:
    figure = corruption_figure(record("Normal", "Malignant"))
    assert len({axes.get_ylim() for axes in figure.axes}) == 1
    assert figure.axes[0].get_ylim()[1] >= 0.52
    assert "test: 80 images of 40 cases, 95% intervals" in figure.legends[0].get_title().get_text()
    assert "not for clinical use" in str(figure.get_supxlabel())
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == ["accuracy (clean 0.700)", "macro AUC (clean 0.720)", "malignant sensitivity (clean 0.600)"]


def test_other_classes_are_shown_by_balanced_accuracy() -> None:
    own = record("none", "fracture")
    own["corruptions"] = {"noise": own["corruptions"]["noise"]}
    own["clean"]["balanced_accuracy"] = entry(None)
    figure = corruption_figure(own)
    assert len(figure.axes) == 1
    assert figure.legends[0].get_texts()[2].get_text() == "balanced accuracy (clean undefined)"
    assert [line for line in figure.axes[0].lines if len(line.get_xdata()) == 3][2].get_ydata().tolist() == [
        0,
        pytest.approx(0.06),
        pytest.approx(0.11),
    ]
