from __future__ import annotations

from osteolens.reporting.html import PageTable, fixed, percent, signed
from osteolens.reporting.metric_table import MetricCell, MetricTable, difference_cell, metric_cell


def test_footnotes_are_marked_with_letters_in_the_order_in_which_they_are_met() -> None:
    cells = [MetricCell("1", note=f"note {number}") for number in range(30)]
    table = MetricTable("key", "caption", ("name", "value"), tuple(("row", (cell, cells[0])) for cell in cells))
    marks = [table.mark(note) for note in table.notes]
    assert marks[:3] == ["a", "b", "c"]
    assert marks[25:28] == ["z", "aa", "ab"]
    assert table.mark("note 29") == "ad"


def test_a_figure_and_its_limits_have_as_many_decimals() -> None:
    cell = metric_cell({"value": 0.5, "low": 0.4, "high": 0.6, "reason": None})
    assert (cell.text, cell.detail) == ("0.500", "0.400\N{EN DASH}0.600")
    cell = difference_cell({"value": -0.25, "low": -0.5, "high": 0.125, "reason": None})
    assert (cell.text, cell.detail) == ("\N{MINUS SIGN}0.250", "\N{MINUS SIGN}0.500 to +0.125")


def test_negative_numbers_have_a_minus_sign_and_nothing_is_less_than_0_by_rounding() -> None:
    assert (fixed(-0.25, 2), percent(-0.25), signed(0.25)) == ("\N{MINUS SIGN}0.25", "\N{MINUS SIGN}25.0%", "+0.250")
    assert (fixed(-0.0001), signed(-0.0001)) == ("0.000", "+0.000")
    assert PageTable(("Name", "Number"), (("a", fixed(-1.5)),)).numeric == (False, True)
