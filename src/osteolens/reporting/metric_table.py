"""Tables of figures with their intervals, and a footnote wherever a figure or an interval is not defined."""

from __future__ import annotations

from dataclasses import dataclass
from string import ascii_lowercase
from typing import Any

from osteolens.reporting.html import count, fixed, percent, signed

NOT_DEFINED = "not defined"
_EN_DASH = "\N{EN DASH}"


@dataclass(frozen=True, slots=True)
class MetricCell:
    """One figure.

    Attributes
    ----------
    detail
        Stands in brackets under the figure: its interval, or the counts it was made from.
    note
        Why the figure or its interval is not there; becomes a footnote.
    """

    text: str
    detail: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class MetricTable:
    """A table of figures; every column but the first is set right.

    Attributes
    ----------
    key
        Unique within the page; its footnotes are addressed by it.
    headings
        One per column, that of the row names first.
    rows
        Name of the row and its cells.
    """

    key: str
    caption: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, tuple[MetricCell, ...]], ...]

    @property
    def notes(self) -> tuple[str, ...]:
        """The different footnotes in the order in which they are met."""
        return tuple(dict.fromkeys(cell.note for _, cells in self.rows for cell in cells if cell.note))

    def mark(self, note: str) -> str:
        """Return the mark of a footnote: a to z, then aa, ab; a raised number would read as an exponent."""
        letters, number = "", self.notes.index(note) + 1
        while number:
            number, place = divmod(number - 1, len(ascii_lowercase))
            letters = ascii_lowercase[place] + letters
        return letters


def metric_cell(entry: dict[str, Any]) -> MetricCell:
    """Return a figure and its interval as the result files hold them: value, low, high, reason."""
    reason = entry.get("reason") or ""
    if entry["value"] is None:
        return MetricCell(NOT_DEFINED, note=reason)
    return MetricCell(fixed(entry["value"]), interval_text(entry), reason)


def difference_cell(entry: dict[str, Any]) -> MetricCell:
    """Return a difference with its sign and its interval, from an entry as in :func:`metric_cell`."""
    if entry["value"] is None:
        return metric_cell(entry)
    limits = "" if entry["low"] is None else f"{signed(entry['low'])} to {signed(entry['high'])}"
    return MetricCell(signed(entry["value"]), limits or "no interval", entry.get("reason") or "")


def metric_text(entry: dict[str, Any]) -> str:
    """Return ``0.825 (0.791-0.858)`` for use in a sentence."""
    cell = metric_cell(entry)
    return f"{cell.text} ({cell.detail or cell.note})"


def difference_text(entry: dict[str, Any]) -> str:
    """Return ``+0.025 (-0.010 to +0.060)`` for use in a sentence."""
    cell = difference_cell(entry)
    return f"{cell.text} ({cell.detail or cell.note})"


def interval_text(entry: dict[str, Any]) -> str:
    """Return ``0.791-0.858`` of an entry as in :func:`metric_cell`, or that there is no interval."""
    if entry["low"] is None or entry["high"] is None:
        return "no interval"
    dash = " to " if entry["low"] < 0 else _EN_DASH
    return f"{fixed(entry['low'])}{dash}{fixed(entry['high'])}"


def count_cell(number: int) -> MetricCell:
    """Return a whole number."""
    return MetricCell(count(number))


def share_cell(part: int, whole: int) -> MetricCell:
    """Return ``60.6%`` with ``171 of 282`` beneath it."""
    return MetricCell(percent(part / whole), f"{count(part)} of {count(whole)}")
