from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from osteolens.evaluation.decision_figures import (
    DECISION_FIGURES,
    conformal_figure,
    decision_curve_figure,
    reliability_figure,
    risk_coverage_figure,
)
from osteolens.evaluation.decisions import NOTHING_FITTED, decisions
from osteolens.evaluation.figures import save_plot
from osteolens.evaluation.predictions import PredictionsTable
from osteolens.evaluation.resampling import Resampling

CLASSES = ("Normal", "Benign", "Malignant")


def made_up(split: str, classes: int = 3) -> PredictionsTable:
    generator = np.random.default_rng(9)
    labels = np.arange(120) % classes
    scores = generator.dirichlet(np.ones(3), 120) + 0.5 * np.eye(3)[labels]
    return PredictionsTable.from_arrays(
        CLASSES,
        image_ids=[f"{split}{index}" for index in range(120)],
        labels=np.array(CLASSES)[labels],
        probabilities=scores / scores.sum(axis=1, keepdims=True),
        split=split,
    )


@pytest.fixture(scope="module")
def record() -> dict:
    return decisions(made_up("val"), made_up("test"), Resampling(100))


def test_reliability_draws_the_bins_of_the_record(record: dict) -> None:
    figure = reliability_figure(record)
    assert [axes.get_title() for axes in figure.axes] == ["Predicted class", *(f"Class {name}" for name in CLASSES)]
    for method, container in zip(("as_predicted", "temperature"), figure.axes[3].containers, strict=True):
        own = record["calibration"][method]["test"]["per_class"]["Malignant"]
        x, y = container[0].get_data()
        assert x.tolist() == [point["mean_score"] for point in own["bins"]]
        assert y.tolist() == [point["value"] for point in own["bins"]]
        assert f"ECE {own['ece']:.3f} (by chance {own['by_chance']:.3f})" in container.get_label()
        bars = np.array([segment[:, 1] for segment in container[2][0].get_segments()])
        assert np.allclose(bars[:, 0], [point["low"] for point in own["bins"]])
        assert np.allclose(bars[:, 1], [point["high"] for point in own["bins"]])
    assert "test: 120 images of 120 cases" in str(figure.get_suptitle())
    assert "not for clinical use" in str(figure.get_supxlabel())


def test_the_legend_of_a_reliability_diagram_hides_no_point(record: dict) -> None:
    figure = reliability_figure(record)
    FigureCanvasAgg(figure).draw()
    for axes in figure.axes:
        assert not axes.get_legend().get_window_extent().overlaps(axes.get_window_extent())


def test_risk_coverage_names_both_areas(record: dict) -> None:
    lines = risk_coverage_figure(record).axes[0].lines
    assert np.asarray(lines[0].get_ydata()).tolist() == record["selective"]["curve"]["risk"]
    assert f"AURC {record['selective']['aurc']['value']:.3f} (" in str(lines[0].get_label())
    assert f"AUGRC {record['selective']['augrc']['value']:.3f} (" in str(lines[1].get_label())
    assert lines[0].get_linestyle() != lines[1].get_linestyle()


def test_decision_curves_show_all_three_ways_to_act(record: dict) -> None:
    figure = decision_curve_figure(record)
    assert [axes.get_title() for axes in figure.axes] == list(record["decision_curves"])
    for axes, curve in zip(figure.axes, record["decision_curves"].values(), strict=True):
        assert [str(line.get_label()) for line in axes.lines] == ["model", "act on all", "act on none"]
        assert np.asarray(axes.lines[0].get_ydata()).tolist() == curve["model"]
        assert np.asarray(axes.lines[1].get_ydata()).tolist() == curve["treat_all"]


def test_conformal_coverage_beside_what_is_promised(record: dict) -> None:
    axes = conformal_figure(record).axes[0]
    found = axes.containers[0][0].get_ydata()
    own = record["conformal"]["test"]["per_class"]
    assert np.asarray(found).tolist() == [own[name]["coverage"]["value"] for name in CLASSES]
    ticks = [label.get_text() for label in axes.get_xticklabels()]
    assert ticks[2] == f"Malignant\nmean size {own['Malignant']['mean_size']:.2f}"
    assert "promised: 90%" in [text.get_text() for text in axes.get_legend().get_texts()]


def test_what_is_missing_is_said_in_the_figure(tmp_path: Path) -> None:
    bare = decisions(None, made_up("val", classes=2), Resampling(100))
    said = conformal_figure(bare).axes[0].texts[0].get_text()
    assert said.replace("\n", " ") == NOTHING_FITTED
    nothing = decision_curve_figure(bare).axes[0].texts[0].get_text()
    assert nothing.replace("\n", " ") == "all images are negative: there is nothing to decide"
    assert len(reliability_figure(bare).axes[0].containers) == 1
    for name, draw in DECISION_FIGURES.items():
        png, svg = save_plot(draw(bare), tmp_path / name)
        assert png.read_bytes().startswith(b"\x89PNG")
        assert svg.read_text(encoding="utf-8").count("<svg ") == 1
        assert save_plot(draw(bare), tmp_path / "again" / name)[1].read_bytes() == svg.read_bytes()
