from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from command import osteolens
from printed_numbers import leaves, numbers_in, numbers_of_run, printable, text_of_page
from run_files import audit_record

from osteolens.config import load_config
from osteolens.errors import DataError
from osteolens.evaluation.published import load_published
from osteolens.reporting.poc_report import write_poc_report
from osteolens.reporting.run_results import read_runs
from osteolens.storage import RunFolder, write_json

SECTIONS = [
    *("Question", "Data", "Method", "Results", "Targets first set"),
    *("What the figures may and may not show", "Limits", "Recommended next steps"),
]
NOT_FIGURES = ("it is never counted as 0", "1 means no preference", "fewer than 10 cases")
NOT_SHOWN = frozenset({"decision_curves", "bins", "curve"})


@pytest.fixture
def runs(changeable_run: RunFolder, changeable_bare_run: RunFolder) -> list[RunFolder]:
    """The leaking run first, as a careless caller would give them."""
    return [changeable_run, changeable_bare_run]


@pytest.fixture
def audit(tmp_path: Path) -> Path:
    return write_json(tmp_path / "audit" / "data_audit.json", audit_record())


def report_on(runs: list[RunFolder], out: Path, audit: Path | None = None) -> str:
    return write_poc_report(read_runs(runs), out, audit).read_text(encoding="utf-8")


def section(text: str, title: str) -> str:
    return text[text.index(f"## {title}\n") :].partition("\n## ")[0]


def changed(path: Path, change: Callable[[Any], None]) -> None:
    record = json.loads(path.read_text(encoding="utf-8"))
    change(record)
    write_json(path, record)


def test_every_number_stands_in_a_file(runs: list[RunFolder], audit: Path, tmp_path: Path) -> None:
    path = write_poc_report(read_runs(runs), tmp_path, audit)
    in_files = [number for run in runs for number in numbers_of_run(run.root, NOT_SHOWN)]
    aims = [target.above for target in load_published().targets]
    known = printable([*in_files, *leaves(audit_record()), *aims])
    printed = numbers_in(path.read_text(encoding="utf-8"), NOT_FIGURES)
    assert len(printed) > 200
    assert sorted({number for number in printed if number not in known}) == []
    assert set(numbers_in(text_of_page(path.with_suffix(".html")), NOT_FIGURES)) == set(printed)


def test_sections_and_order_of_runs(runs: list[RunFolder], tmp_path: Path) -> None:
    report = report_on(runs, tmp_path)
    assert re.findall(r"^## (.+)$", report, flags=re.MULTILINE) == SECTIONS
    inner = re.findall(r"^### (.+)$", section(report, "Results"), flags=re.MULTILINE)
    assert inner == ["Split case (no shared case)", "Split stratified (shares cases)"]
    assert report.index("The split case keeps cases apart") < report.index("## Question")
    page = (tmp_path / "poc_report.html").read_text(encoding="utf-8")
    anchors = re.findall(r' id="([^"]+)"', page)
    assert len(set(anchors)) == len(anchors)
    assert set(re.findall(r'href="#([^"]+)"', page)) <= set(anchors)
    assert "/somebodys" not in page + report


@pytest.mark.parametrize(
    ("figure", "verdict"),
    [
        ((0.9, 0.85, 0.94), "met"),
        ((0.78, 0.72, 0.83), "met, but the interval holds the target"),
        ((0.73, 0.68, 0.79), "not met, but the interval holds the target"),
        ((0.6, 0.51, 0.69), "not met"),
        ((0.75, None, None), "not met"),  # a figure at the target is not above it
        ((None, None, None), "not measured"),
    ],
)
def test_targets_are_judged_by_figure_and_interval(
    runs: list[RunFolder], tmp_path: Path, figure: tuple[float | None, ...], verdict: str
) -> None:
    entry = {**dict(zip(("value", "low", "high"), figure, strict=True)), "reason": "no image"}
    changed(runs[0].evaluation / "metrics_summary.json", lambda record: record["overall"]["accuracy"].update(entry))
    rows = section(report_on(runs, tmp_path), "Targets first set")
    (row,) = re.findall(r"^\| accuracy above 75% .*$", rows, flags=re.MULTILINE)
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert (cells[1], cells[3]) == ("stratified (shares cases)", verdict)


def test_targets_without_a_run_or_maps_are_not_measured(runs: list[RunFolder], tmp_path: Path) -> None:
    rows = section(report_on(runs, tmp_path), "Targets first set")
    assert "| accuracy above 55% (center holdout) | none | no such run | not measured |" in rows
    of_maps = [line for line in rows.splitlines() if line.startswith("| mean IoU")]
    assert [line.split("|")[2:5] for line in of_maps] == [
        [" case (no shared case) ", " not measured ", " not measured "],
        [" stratified (shares cases) ", " 0.223 (0.173\N{EN DASH}0.273) ", " met "],  # 0.1234 + 0.1, above 0.15
    ]


def test_audit_is_told_and_its_problems_come_first(runs: list[RunFolder], audit: Path, tmp_path: Path) -> None:
    report = report_on(runs, tmp_path, audit)
    assert "| Images | 1,709 |" in report
    assert "| b | 1,203 | 417 | 89 |" in report
    (first, *_) = re.findall(r"^- .*$", section(report, "Recommended next steps"), flags=re.MULTILINE)
    assert first.endswith("7 groups of identical files with different labels.")  # and not the one on a split
    without = report_on(runs, tmp_path, tmp_path / "no" / "data_audit.json")
    assert "The data were not audited" in without
    write_json(audit, {"images": 3})
    with pytest.raises(DataError, match=r"lacks annotated, classes, .*Run osteolens audit again"):
        report_on(runs, tmp_path, audit)


def test_next_steps_follow_the_figures(runs: list[RunFolder], tmp_path: Path) -> None:
    def advantage(value: float, low: float, high: float) -> None:
        def change(panel: dict[str, Any]) -> None:
            for model in panel["blind"].values():
                model["advantage"]["accuracy"].update(value=value, low=low, high=high)

        changed(runs[1].evaluation / "honesty.json", change)

    step = "Do not read accuracy as recognition of lesions."
    advantage(0.2, 0.1, 0.3)
    assert step not in section(report_on(runs, tmp_path), "Recommended next steps")
    advantage(0.05, -0.02, 0.12)
    steps = section(report_on(runs, tmp_path), "Recommended next steps")
    assert step in steps
    assert "the network's minus that is +0.050 (\N{MINUS SIGN}0.020 to +0.120)" in steps
    assert "Do not quote these figures for new patients" not in steps  # the honest run has no need of it
    leaking = section(report_on(runs[:1], tmp_path), "Recommended next steps")
    assert "Do not quote these figures for new patients" in leaking


def test_a_changed_number_changes_the_report_and_nothing_else_does(runs: list[RunFolder], tmp_path: Path) -> None:
    first = report_on(runs, tmp_path)
    page = (tmp_path / "poc_report.html").read_bytes()
    assert report_on(runs[::-1], tmp_path) == first
    assert (tmp_path / "poc_report.html").read_bytes() == page
    changed(runs[1].evaluation / "metrics_summary.json", lambda record: record["overall"]["mcc"].update(value=0.98764))
    assert report_on(runs, tmp_path) == first  # not shown here
    changed(
        runs[1].evaluation / "metrics_summary.json", lambda record: record["overall"]["macro_auc"].update(value=0.98764)
    )
    assert "0.988" in report_on(runs, tmp_path)


@pytest.mark.parametrize(
    ("name", "is_center"), [("center", True), ("source-center-b", False), ("centered", False), ("by_center", True)]
)
def test_a_target_is_for_the_runs_of_its_scheme(
    runs: list[RunFolder], tmp_path: Path, name: str, *, is_center: bool
) -> None:
    changes = [f"training.split_strategy={name}"]
    if not name.startswith(("center", "source-")) or name == "centered":
        changes.append(f"data.split_files={{{name}: some.csv}}")
    load_config(runs[0].config, changes[::-1]).save(runs[0].config)
    rows = section(report_on(runs, tmp_path), "Targets first set")
    (row,) = re.findall(r"^\| accuracy above 55% .*$", rows, flags=re.MULTILINE)
    assert row.split(" | ")[1] == (f"{name} (shares cases)" if is_center else "none")


def test_report_verb_writes_card_and_report(runs: list[RunFolder], capsys: pytest.CaptureFixture[str]) -> None:
    results = runs[0].root.parents[1]
    assert runs[1].root.parents[1] == results
    assert osteolens("report", "-o", "experiment=tiny", "-o", f"paths.results_dir={results}") == 0
    assert capsys.readouterr().out.strip() == str(results / "tiny" / "report.html")
    for path in (*(run.root / "model_card.md" for run in runs), results / "tiny" / "poc_report.md"):
        assert path.is_file()
        assert path.with_suffix(".html").is_file()
