"""Tables of an audit report, from the plain values of its summary."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from osteolens.data.audit.tables import QUANTILES
from osteolens.reporting.html import PageTable, count

MOST_ROWS = 50


@dataclass(frozen=True, slots=True)
class Section:
    """One chapter: text, then figures (by their names), then tables; `anchor` is its address in the page."""

    anchor: str
    title: str
    text: tuple[str, ...] = ()
    figures: tuple[str, ...] = ()
    tables: tuple[PageTable, ...] = ()


def counts_table(caption: str, grouping: str, counts_of: dict[str, dict[str, int]], classes: list[str]) -> PageTable:
    """Return one row per group: images of each class, and all."""
    rows = [
        (name, *(count(counts[label]) for label in classes), count(sum(counts.values())))
        for name, counts in counts_of.items()
    ]
    return table(caption, (grouping, *classes, "all"), rows)


def quantile_table(caption: str, quantiles: dict[str, dict[str, float]], write: Callable[[float], str]) -> PageTable:
    """Return one row per class: n and the quantiles, each as `write` puts it."""
    rows = [
        (name, count(entry["n"]), *(write(entry[quantile]) for quantile in QUANTILES))
        for name, entry in quantiles.items()
    ]
    names = [f"{int(name[1:])}%" if name.startswith("q") else name for name in QUANTILES]
    return table(caption, ("class", "images", *names), rows)


def records_table(caption: str, records: Sequence[dict[str, Any]], columns: tuple[str, ...]) -> PageTable:
    """Return one row per record."""
    return table(caption, columns, [tuple(str(record[name]) for name in columns) for record in records])


def table(caption: str, headings: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> PageTable:
    """Return a table that ends after fifty rows and says so."""
    if len(rows) > MOST_ROWS:
        caption = f"{caption}: the first {MOST_ROWS} of {count(len(rows))}; data_audit.json holds all"
    return PageTable(headings, tuple(rows[:MOST_ROWS]), caption)


def listed(names: Sequence[str]) -> str:
    """Return names in a row, ended after fifty."""
    more = f" and {count(len(names) - MOST_ROWS)} more" if len(names) > MOST_ROWS else ""
    return ", ".join(names[:MOST_ROWS]) + more
