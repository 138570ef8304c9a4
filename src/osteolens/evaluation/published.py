"""Figures that others published or that were measured beforehand on BTXRD, with what must be known to read them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from osteolens.evaluation.entries import entry
from osteolens.storage import read_json

THREE_CLASSES = "three classes"


@dataclass(frozen=True, slots=True)
class PublishedSystem:
    """One system under one protocol. What its source does not say is None, or left out of `figures`.

    Attributes
    ----------
    key, name, short
        For programs, for tables, for figures.
    year, reference
        Of the source.
    task
        ``three classes`` (Normal, Benign, Malignant) or another one, whose figures are not comparable.
    protocol
        Split and settings in words.
    images
        Number of images reported on.
    leaks, leaking_shares
        Whether cases are shared with the training part, and the share (0 to 1) of the images reported on that are of
        such a case, by class and of all ``tumours``.
    chosen_on_reported_part
        Whether the network was chosen on the images that it is reported on.
    figures
        Metric → entry ``{"value", "low", "high", "reason"}``; ``sensitivity`` and ``precision`` → class → entry.
    as_quoted
        ``precision`` and ``recall`` → class → share as they are usually quoted, where that is wrong.
    counts
        ``right``, ``of`` and ``called`` → class → images: right answers, images of the class, images called so.
    caveats
        Sentences to print beside the figures.
    """

    key: str
    name: str
    short: str
    year: int | None
    reference: str
    task: str
    protocol: str
    images: int | None
    leaks: bool | None
    leaking_shares: dict[str, float] | None
    chosen_on_reported_part: bool | None
    figures: dict[str, Any]
    caveats: tuple[str, ...]
    as_quoted: dict[str, dict[str, float]] | None = None
    counts: dict[str, dict[str, int]] | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """What the first experiments were meant to reach: an aim, measured by nobody.

    Attributes
    ----------
    where
        The split or the part of the work that it was set for.
    above
        0 to 1; the figure should be above it.
    """

    figure: str
    where: str
    above: float


@dataclass(frozen=True, slots=True)
class Published:
    """All systems and all targets, in the order of the resource."""

    systems: tuple[PublishedSystem, ...]
    targets: tuple[Target, ...]


@cache
def load_published() -> Published:
    """Read the figures that are shipped with osteolens."""
    with resources.as_file(resources.files("osteolens.evaluation") / "resources" / "published_figures.json") as path:
        record = read_json(path)
    return Published(
        tuple(_system(values) for values in record["systems"]), tuple(Target(**values) for values in record["targets"])
    )


def _system(values: dict[str, Any]) -> PublishedSystem:
    figures = {
        metric: _entry(found) if isinstance(found, list) else {name: _entry(own) for name, own in found.items()}
        for metric, found in values["figures"].items()
    }
    return PublishedSystem(**values | {"figures": figures, "caveats": tuple(values["caveats"])})


def _entry(numbers: list[float]) -> dict[str, Any]:
    """Return a value, or a value with the limits of its interval, in the shape of all figures."""
    value, low, high = numbers if len(numbers) == 3 else (*numbers, math.nan, math.nan)
    return entry(value, low, high)
