from __future__ import annotations

import pytest
from compared import answers
from matplotlib.colors import to_hex

from osteolens.evaluation.compared_run import ComparedRun, TrainOverlap
from osteolens.evaluation.comparison import compare_runs
from osteolens.evaluation.comparison_figure import comparison_figure
from osteolens.evaluation.resampling import Resampling


@pytest.fixture(scope="module")
def record() -> dict:
    runs = [
        ComparedRun("a", "stratified", answers(list(range(30)), skill=0.3), TrainOverlap({"all": (12, 30)})),
        ComparedRun("a", "case", answers(list(range(30, 60))), TrainOverlap({"all": (0, 30)})),
    ]
    return compare_runs(runs, Resampling(100))


def test_runs_are_filled_with_intervals_and_published_figures_hollow(record: dict) -> None:
    figure = comparison_figure(record)
    accuracy, area, sensitivity = figure.axes
    names = [label.get_text().replace("\n", " ") for label in accuracy.get_yticklabels()]
    assert names[:2] == ["a, case", "a, stratified"]
    assert "BTXRD paper, YOLOv8" in names
    assert not any("Ulster" in name or "Grad-CAM" in name for name in names)
    for axes, path in ((accuracy, ("accuracy",)), (area, ("macro_auc",)), (sensitivity, ("sensitivity", "Malignant"))):
        markers = {line.get_ydata()[0]: line for line in axes.lines if line.get_marker() not in {"None", ""}}
        bars = {
            line.get_ydata()[0]: line
            for line in axes.lines
            if len(line.get_xdata()) == 2 and line.get_linewidth() == 1.6
        }
        for place, run in enumerate(record["runs"]):
            entry = run["figures"]
            for key in path:
                entry = entry[key]
            assert markers[place].get_xdata()[0] == entry["value"]
            assert to_hex(markers[place].get_markerfacecolor()) != "#ffffff"
            assert list(bars[place].get_xdata()) == [entry["low"], entry["high"]]
        assert all(to_hex(line.get_markerfacecolor()) == "#ffffff" for place, line in markers.items() if place > 1)
    paper = names.index("BTXRD paper, YOLOv8")
    values = {line.get_ydata()[0]: line.get_xdata()[0] for line in accuracy.lines if line.get_marker() == "s"}
    assert values[paper] == 0.884
    assert {text.get_text() for text in accuracy.texts} == {"leaks"}
    assert {text.xy[1] for text in accuracy.texts} == set(values)
    assert "not for clinical use" in area.get_xlabel()


def test_a_figure_that_is_undefined_leaves_its_place_empty() -> None:
    table = answers([image for image in range(40) if image % 3 < 2])
    figure = comparison_figure(compare_runs([ComparedRun("a", "case", table)], Resampling(100)))
    assert [line for line in figure.axes[1].lines if line.get_ydata()[0] == 0] == []
    assert [line for line in figure.axes[0].lines if line.get_ydata()[0] == 0] != []
