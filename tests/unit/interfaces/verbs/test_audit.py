from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from command import osteolens
from PIL import Image


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Thirty pictures of two classes, of which one cannot be read; no annotations, no cases, no center."""
    (tmp_path / "images").mkdir()
    for i in range(30):
        noise = np.random.default_rng(i).integers(0, 255, (32, 32), dtype=np.uint8)
        Image.fromarray(noise).save(tmp_path / "images" / f"{i}.png")
    (tmp_path / "images" / "7.png").write_text("no picture", encoding="utf-8")
    rows = "".join(f"{i}.png,{'fracture' if i % 2 else 'none'}\n" for i in range(30))
    (tmp_path / "dataset.csv").write_text(f"image_id,label\n{rows}", encoding="utf-8")
    return tmp_path


def test_an_audit_without_annotations_cases_and_centers(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--data", root, "--out", root / "audit", "-q", "--json", "-o", f"paths.cache_dir={root / 'cache'}"]
    assert osteolens("audit", *options) == 0
    summary = json.loads(capsys.readouterr().out)
    assert (summary["images"], summary["annotated"]) == (30, 0)
    assert [entry["image_id"] for entry in summary["files"]["unreadable"]] == ["7.png"]
    assert "at least two centers" in summary["leakage"]["center"]["reason"]
    assert summary["leakage"]["stratified"]["evaluation"]["test"]["overall"]["shared"] == 0
    page = (root / "audit" / "data_audit_report.html").read_text(encoding="utf-8")
    assert "There are no annotation files." in page
    assert "No case table" in page
    assert (root / "audit" / "data_audit_violations.csv").read_text(encoding="utf-8").startswith("row,image_id,column")


def test_a_refused_table_leaves_all_its_departures_as_csv(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = "".join(f"{i}.png,\n" for i in range(25))
    (root / "dataset.csv").write_text(f"image_id,label\n{rows}0.png,x\n", encoding="utf-8")
    assert osteolens("audit", "--data", root, "--out", root / "audit") == 1
    told = capsys.readouterr().err
    assert "26 error(s)" in told
    assert "and 6 more" in told
    assert "data_audit_violations.csv" in told
    table = pd.read_csv(root / "audit" / "data_audit_violations.csv", keep_default_na=False)
    assert table["row"].tolist() == list(range(2, 28))
    assert table["value"].tolist() == [""] * 25 + ["0.png"]
    assert set(table["severity"]) == {"error"}


def test_the_specification_is_printed_or_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert osteolens("specification") == 0
    printed = capsys.readouterr().out
    assert osteolens("specification", "--out", tmp_path / "spec.md") == 0
    assert (tmp_path / "spec.md").read_text(encoding="utf-8").rstrip() == printed.rstrip()
    assert "| 37 | oblique | view |" in printed
