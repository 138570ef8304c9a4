"""Reliability diagrams, the risk-coverage curve, decision curves and conformal coverage, from the decisions record."""

from __future__ import annotations

from collections.abc import Callable
from textwrap import fill
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from osteolens.evaluation.figures import DASHES, DISCLAIMER, UNIT_SQUARE
from osteolens.palette import BLACK, BLUE, GREEN, ORANGE, VERMILION

_LINES = {  # calibration to its name, colour, marker and thickness of bars: the second shows within the first
    "as_predicted": ("as predicted", ORANGE, "o", 3.0),
    "temperature": ("temperature", BLUE, "s", 0.9),
}
_WIDTH, _HEIGHT = 4.2, 4.0  # inches of one panel


def reliability_figure(decisions: dict[str, Any]) -> Figure:
    """Draw the reliability diagram of the predicted class and of every class on test, before and after scaling.

    Parameters
    ----------
    decisions
        The result of :func:`osteolens.evaluation.decisions.decisions`.
    """
    names = [None, *decisions["class_names"]]
    figure, panels = _panels("Reliability, ten bins of equal size", decisions, len(names), 2)
    for axes, name in zip(panels, names, strict=True):
        axes.plot([0, 1], [0, 1], color="0.6", linewidth=0.8)
        for method in _LINES:
            if (figures := decisions["calibration"][method]["test"]) is not None:
                _draw_bins(axes, method, figures["predicted"] if name is None else figures["per_class"][name])
        axes.set_title(f"Class {name}" if name else "Predicted class", fontsize=10)
        axes.set(xlabel="Mean probability", ylabel="Observed share", **UNIT_SQUARE)
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), fontsize=7, frameon=False)  # hides no point
    return figure


def risk_coverage_figure(decisions: dict[str, Any]) -> Figure:
    """Draw the error rate of the answers given against the share of images answered."""
    figure, (axes,) = _panels("Risk and coverage", decisions, 1, 1)
    selective = decisions["selective"]
    curve, aurc, augrc = selective["curve"], selective["aurc"], selective["augrc"]
    axes.plot(curve["coverage"], curve["risk"], color=BLUE, label=f"selective risk: AURC {_said(aurc)}")
    axes.plot(
        curve["coverage"],
        curve["generalised_risk"],
        color=VERMILION,
        linestyle=DASHES[1],
        label=f"generalised risk: AUGRC {_said(augrc)}",
    )
    axes.axhline(aurc["chance"], color="0.5", linewidth=0.8, label="selective risk by chance")
    top = max(0.05, 1.25 * max(*curve["risk"], aurc["chance"]))
    axes.set(xlabel="Coverage: share of images answered", ylabel="Risk", xlim=(0, 1.02), ylim=(0, top))
    axes.legend(loc="upper left", fontsize=7)
    return figure


def decision_curve_figure(decisions: dict[str, Any]) -> Figure:
    """Draw net benefit against the threshold probability for each question; a question without one says why."""
    curves = decisions["decision_curves"]
    figure, panels = _panels("Decision curves", decisions, len(curves), 2)
    for axes, (name, curve) in zip(panels, curves.items(), strict=True):
        axes.set_title(name, fontsize=10)
        if curve["reason"]:
            _say(axes, curve["reason"])
            continue
        at, most = curve["thresholds"], curve["prevalence"]
        axes.fill_between(at, curve["low"], curve["high"], color=BLUE, alpha=0.2, linewidth=0)
        axes.plot(at, curve["model"], color=BLUE, linewidth=1.6, label="model")
        axes.plot(at, curve["treat_all"], color=VERMILION, linestyle=DASHES[1], linewidth=1.2, label="act on all")
        axes.axhline(curve["treat_none"], color=BLACK, linestyle=DASHES[2], linewidth=1.0, label="act on none")
        axes.set(xlabel="Threshold probability", ylabel="Net benefit", xlim=(0, 1), ylim=(-0.25 * most, 1.15 * most))
        axes.legend(loc="upper right", fontsize=7)
    return figure


def conformal_figure(decisions: dict[str, Any]) -> Figure:
    """Draw how often the conformal set holds the true class, per class, with the mean size of the sets."""
    figure, (axes,) = _panels("Coverage of conformal sets", decisions, 1, 1)
    conformal, names = decisions["conformal"], decisions["class_names"]
    if conformal["test"] is None:
        _say(axes, conformal["reason"])
        return figure
    own = [conformal["test"]["per_class"][name] for name in names]
    found, low, high = _limits([figures["coverage"] for figures in own])
    places = np.arange(len(names))
    axes.errorbar(
        places, found, yerr=[found - low, high - found], color=BLUE, marker="o", linestyle="none", label="images"
    )
    by_case = [_number(figures["coverage_of_cases"]["value"]) for figures in own]
    axes.plot(places + 0.12, by_case, color=GREEN, marker="D", linestyle="none", label="each case counted once")
    axes.axhline(conformal["level"], color=VERMILION, linestyle=DASHES[1], label=f"promised: {conformal['level']:.0%}")
    ticks = [f"{name}\nmean size {_number(figures['mean_size']):.2f}" for name, figures in zip(names, own, strict=True)]
    axes.set_xticks(places, ticks)
    axes.set(ylabel="Sets that hold the true class", ylim=(0, 1.02), xlim=(-0.5, len(names) - 0.5))
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.legend(loc="lower left", fontsize=8)
    return figure


DECISION_FIGURES: dict[str, Callable[[dict[str, Any]], Figure]] = {
    "reliability": reliability_figure,
    "risk_coverage": risk_coverage_figure,
    "decision_curves": decision_curve_figure,
    "conformal_coverage": conformal_figure,
}


def _panels(title: str, decisions: dict[str, Any], count: int, columns: int) -> tuple[Figure, list[Axes]]:
    columns = min(columns, count)
    rows = -(-count // columns)
    figure = Figure(figsize=(max(6.0, _WIDTH * columns), _HEIGHT * rows + 0.8), layout="constrained")
    part = decisions["test"]
    figure.suptitle(f"{title}\n{part['split']}: {part['n']} images of {part['cases']} cases", fontsize=11)
    figure.supxlabel(DISCLAIMER, fontsize=7, color="0.35")
    panels = [figure.add_subplot(rows, columns, index + 1) for index in range(count)]
    for axes in panels:
        axes.grid(color="0.9", linewidth=0.6)
        axes.set_axisbelow(True)
    return figure, panels


def _draw_bins(axes: Axes, method: str, figures: dict[str, Any]) -> None:
    label, colour, marker, thickness = _LINES[method]
    found, low, high = _limits(figures["bins"])
    axes.errorbar(
        [point["mean_score"] for point in figures["bins"]],
        found,
        yerr=[found - low, high - found],
        color=colour,
        marker=marker,
        markersize=4,
        linewidth=1.2,
        elinewidth=thickness,
        label=f"{label}: ECE {figures['ece']:.3f} (by chance {figures['by_chance']:.3f})",
    )


def _say(axes: Axes, sentence: str) -> None:
    axes.set_axis_off()
    axes.text(0.5, 0.5, fill(sentence, 40), ha="center", va="center", transform=axes.transAxes)


def _limits(entries: list[dict[str, Any]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return values and limits of entries, NaN where one is None, so that nothing is drawn there."""
    values, low, high = (np.array([_number(item[key]) for item in entries]) for key in ("value", "low", "high"))
    return values, low, high


def _number(value: float | None) -> float:
    return float("nan") if value is None else value


def _said(figure: dict[str, Any]) -> str:
    interval = "" if figure["low"] is None else f" ({figure['low']:.3f} to {figure['high']:.3f})"
    return f"{figure['value']:.3f}{interval}, by chance {figure['chance']:.3f}"
