from __future__ import annotations

from osteolens.reporting.metric_table import MetricCell, MetricTable


def test_footnotes_are_marked_with_letters_in_the_order_in_which_they_are_met() -> None:
    cells = [MetricCell("1", note=f"note {number}") for number in range(30)]
    table = MetricTable("key", "caption", ("name", "value"), tuple(("row", (cell, cells[0])) for cell in cells))
    marks = [table.mark(note) for note in table.notes]
    assert marks[:3] == ["a", "b", "c"]
    assert marks[25:28] == ["z", "aa", "ab"]
    assert table.mark("note 29") == "ad"
