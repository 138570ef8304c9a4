from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn import metrics as sk

from osteolens.evaluation.evaluate import summarise
from osteolens.evaluation.figures import confusion_figure, precision_recall_figure, roc_figure, save_plot, svg_bytes
from osteolens.evaluation.predictions import PredictionsTable
from osteolens.evaluation.resampling import Resampling

CLASSES = ("Normal", "Benign", "Malignant")


@pytest.fixture
def table() -> PredictionsTable:
    generator = np.random.default_rng(2)
    labels = np.arange(90) % 3
    shares = generator.multinomial(20, [0.4, 0.3, 0.3], size=90) / 20  # twentieths: many ties
    return PredictionsTable.from_arrays(
        CLASSES, image_ids=np.arange(90), labels=np.array(CLASSES)[labels], probabilities=shares
    )


def test_roc_curves_are_scikit_learns(table: PredictionsTable) -> None:
    axes = roc_figure(table, summarise(table, Resampling(100, seed=1))).axes[0]
    for k, name in enumerate(CLASSES):
        line = next(line for line in axes.lines if str(line.get_label()).startswith(name))
        x, y, _ = sk.roc_curve(table.labels == k, table.probabilities[:, k], drop_intermediate=False)
        assert np.allclose(line.get_xdata(), x)
        assert np.allclose(line.get_ydata(), y)
        auc = sk.roc_auc_score(table.labels == k, table.probabilities[:, k])
        assert f"AUC {auc:.3f} (" in str(line.get_label())


def test_area_under_the_drawn_steps_is_the_average_precision(table: PredictionsTable) -> None:
    axes = precision_recall_figure(table, summarise(table, Resampling(100, seed=1))).axes[0]
    for k, name in enumerate(CLASSES):
        line = next(line for line in axes.lines if str(line.get_label()).startswith(name))
        assert line.get_drawstyle() == "steps-pre"
        recall, precision = np.asarray(line.get_xdata()), np.asarray(line.get_ydata())
        area = np.sum(np.diff(recall) * precision[1:])
        assert area == pytest.approx(sk.average_precision_score(table.labels == k, table.probabilities[:, k]))
        assert recall[-1] == 1


def test_curves_differ_in_dashes_too_and_undefined_ones_say_why(table: PredictionsTable) -> None:
    part = table.subset(table.labels != 2)
    summary = summarise(part, Resampling(100, seed=1))
    for figure in (roc_figure(part, summary), precision_recall_figure(part, summary)):
        lines = [line for line in figure.axes[0].lines if str(line.get_label()).startswith(CLASSES)]
        assert len({str(line.get_linestyle()) + str(line._dash_pattern) for line in lines}) == 3
        assert "undefined, no Malignant image in this part" in str(lines[2].get_label())


def test_confusion_matrix_prints_counts_and_shares(table: PredictionsTable) -> None:
    part = table.subset(table.labels != 2)
    figure = confusion_figure(summarise(part, Resampling(100, seed=1)))
    texts = [text.get_text() for text in figure.axes[0].texts]
    matrix = sk.confusion_matrix(part.labels, part.probabilities.argmax(axis=1), labels=[0, 1, 2])
    assert texts[1] == f"{matrix[0, 1]}\n{100 * matrix[0, 1] / 30:.1f}%"
    assert texts[6:] == ["0\nno image"] * 3
    assert "test: 60 images of 60 cases" in figure.axes[0].get_title()
    assert "not for clinical use" in str(figure.get_supxlabel())


def test_the_same_figure_gives_the_same_bytes(table: PredictionsTable, tmp_path: Path) -> None:
    summary = summarise(table, Resampling(100, seed=1))
    drawing = svg_bytes(confusion_figure(summary))
    assert drawing == svg_bytes(confusion_figure(summary))
    assert b"<svg" in drawing
    files = [save_plot(confusion_figure(summary), tmp_path / name) for name in ("first", "second")]
    assert [[path.suffix for path in made] for made in files] == [[".png", ".svg"]] * 2
    for one, other in zip(*files, strict=True):
        assert one.read_bytes() == other.read_bytes()
