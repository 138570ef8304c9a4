"""A finished stage is known by what it was made from and by what it wrote."""

from __future__ import annotations

from pathlib import Path

import pytest

from osteolens.experiments.reuse import StageRecord
from osteolens.storage import read_json, write_json, write_text


@pytest.fixture
def outputs(tmp_path: Path) -> list[Path]:
    return [write_text(tmp_path / name, name) for name in ("a.txt", "inner/b.txt")]


def test_a_stage_is_current_until_an_input_or_an_output_changes(tmp_path: Path, outputs: list[Path]) -> None:
    record = StageRecord(tmp_path)
    assert not record.is_current("one", ["inputs"], outputs)
    record.finish("one", ["inputs"], outputs)
    record.finish("two", ["others"], outputs[:1])
    assert record.is_current("one", ["inputs"], outputs)
    assert not record.is_current("one", ["other inputs"], outputs)
    assert not record.is_current("three", ["inputs"], outputs)
    write_text(outputs[1], "damaged")
    assert not record.is_current("one", ["inputs"], outputs)
    assert record.is_current("two", ["others"], outputs[:1])
    outputs[1].unlink()
    assert not record.is_current("one", ["inputs"], outputs)
    assert not record.is_current("one", ["inputs"], outputs[:1])  # what it wrote besides counts too


def test_a_file_that_the_stage_did_not_write_then_makes_it_run(tmp_path: Path, outputs: list[Path]) -> None:
    record = StageRecord(tmp_path)
    record.finish("one", ["inputs"], outputs[:1])
    assert not record.is_current("one", ["inputs"], outputs)


@pytest.mark.parametrize("content", [["no", "record"], {"one": "a hash"}, {"one": {"made_from": "0"}}, {"one": {}}])
def test_a_record_of_another_form_is_no_record(tmp_path: Path, outputs: list[Path], content: object) -> None:
    write_json(tmp_path / "stages.json", content)
    record = StageRecord(tmp_path)
    assert not record.is_current("one", ["inputs"], outputs)
    record.finish("one", ["inputs"], outputs)
    assert record.is_current("one", ["inputs"], outputs)
    assert set(read_json(tmp_path / "stages.json")) == {"one"}
