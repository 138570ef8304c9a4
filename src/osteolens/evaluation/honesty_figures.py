"""The evaluated model beside the models that see no pixels, drawn from the honesty panel."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from osteolens.evaluation.figures import DISCLAIMER
from osteolens.palette import BLUE, GREEN, VERMILION

BLIND_NAMES = {
    "class_shares": "Commonest class",
    "demographics": "Demographics and projection",
    "demographics_and_site": "Demographics, projection, site",
    "image_header": "File header",
    "source": "Source only",
}
MODEL = "The model"

_METRICS = {  # key to name, colour, marker
    "accuracy": ("accuracy", BLUE, "o"),
    "balanced_accuracy": ("balanced accuracy", VERMILION, "s"),
    "macro_auc": ("macro AUC", GREEN, "^"),
}
_DODGE = 0.22  # between the figures of one model, in rows


def blind_figure(honesty: dict[str, Any]) -> Figure:
    """Draw accuracy, balanced accuracy and macro AUC of the model and of every blind model that could be scored.

    The line marks the accuracy of the model.

    Parameters
    ----------
    honesty
        The result of :func:`osteolens.evaluation.honesty.honesty_panel`.
    """
    scored = {MODEL: honesty["scores"]} | {
        BLIND_NAMES.get(name, name): model["scores"] for name, model in honesty["blind"].items() if model["possible"]
    }
    figure = Figure(figsize=(6.0, 0.5 * len(scored) + 1.6), layout="constrained")
    axes = figure.add_subplot()
    axes.grid(axis="x", color="0.9", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.axvline(honesty["scores"]["accuracy"]["value"], color=BLUE, linewidth=0.8, linestyle=(0, (4, 3)))
    rows = np.arange(len(scored))
    for place, (metric, (label, colour, marker)) in enumerate(_METRICS.items()):
        found, low, high = (
            np.array([scores[metric][key] for scores in scored.values()], dtype=np.float64)  # None becomes NaN
            for key in ("value", "low", "high")
        )
        axes.errorbar(
            found,
            rows + (place - 1) * _DODGE,
            xerr=[found - low, high - found],
            color=colour,
            marker=marker,
            markersize=5,
            elinewidth=1.2,
            linestyle="none",
            label=label,
        )
    axes.set_yticks(rows, list(scored))
    axes.get_yticklabels()[0].set_fontweight("bold")
    axes.invert_yaxis()
    axes.set(xlim=(0, 1.02), xlabel=f"Figure on the {honesty['split']} part, {honesty['confidence']:.0%} intervals")
    figure.suptitle("With and without seeing the picture", fontsize=11)
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=len(_METRICS), fontsize=8, frameon=False)
    figure.supxlabel(DISCLAIMER, fontsize=7, color="0.35")
    return figure
