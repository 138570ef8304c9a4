from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from html_page import Page
from run_files import make_run

from osteolens.config import load_config
from osteolens.errors import DataError
from osteolens.evaluation.resampling import Resampling
from osteolens.experiments.compared_folders import read_compared
from osteolens.experiments.comparison import write_comparison
from osteolens.reporting.experiment_report import write_experiment_report
from osteolens.reporting.results_page import write_results_page
from osteolens.reporting.run_results import read_runs
from osteolens.storage import RunFolder, read_json, write_json


def write_page(out: Path, *runs: RunFolder) -> Path:
    record = write_comparison([read_compared(run) for run in runs], out.parent, Resampling(resamples=100))
    return write_experiment_report(read_runs(runs), record, out)


@pytest.fixture(scope="module")
def case_run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A run that shares no case with train; no test changes it."""
    return make_run(tmp_path_factory.mktemp("case"), complete=False)


@pytest.fixture(scope="module")
def page(complete_run: RunFolder, case_run: RunFolder, tmp_path_factory: pytest.TempPathFactory) -> Page:
    out = tmp_path_factory.mktemp("page") / "report.html"
    return Page(write_page(out, complete_run, case_run))


def test_leakage_comes_before_the_first_figure_and_the_clean_run_first(page: Page) -> None:
    assert next(iter(page.tables)).startswith("Share of images with another image of the same case in train")
    first_figure = re.search(r"\d\.\d{3}", page.text)
    assert first_figure is not None
    assert page.text.index("The sentence on 18 shared test images") < first_figure.start()
    headline = page.table("Figures of the test part with 95% intervals by case")
    assert list(headline) == ["case (no shared case)", "stratified (shares cases)"]
    assert headline["case (no shared case)"]["Shared with train: tumours (all)"] == "0.0% (0.0%)"
    assert "The sentence on 18 shared test images. Its figures also reward" in page.text
    assert "The split case keeps cases apart" in page.text
    assert "honest" not in page.text[: page.text.index("Figures of the test part")]


def test_accuracy_without_pixels_stands_right_beside_the_networks(page: Page, case_run: RunFolder) -> None:
    panel = read_json(case_run.evaluation / "honesty.json")
    best = max(
        (model["scores"]["accuracy"]["value"] for model in panel["blind"].values() if model["inputs"]), default=None
    )
    row = page.table("Figures of the test part with 95% intervals by case")["case (no shared case)"]
    headings = list(row)
    assert headings[headings.index("Accuracy") + 1] == "Accuracy without pixels"
    assert row["Accuracy without pixels"].startswith(f"{best:.3f} (")


def test_what_models_without_pixels_mean_comes_before_the_main_figures(
    complete_run: RunFolder, case_run: RunFolder, tmp_path: Path
) -> None:
    """A clean split whose network a model without pixels beats is no note at the end but a problem at the top."""
    run = RunFolder(Path(shutil.copytree(case_run.root, tmp_path / "tiny" / "case")))
    path = run.evaluation / "honesty.json"
    panel = read_json(path)
    for model in panel["blind"].values():
        model["advantage"]["accuracy"] |= {"value": -0.1, "low": -0.2, "high": -0.05, "reason": None}
    write_json(path, panel)
    write_json(run.provenance, read_json(run.provenance) | {"threads": 1})
    record = write_comparison([read_compared(one) for one in (complete_run, run)], tmp_path, Resampling(resamples=100))
    runs = read_runs([complete_run, run])
    page = Page(write_experiment_report(runs, record, tmp_path / "report.html"))
    trust = page.text[page.text.index("Several radiographs often show") : page.text.index("Figures of the test part")]
    severities = re.findall(r"(problem|caution|note): Split (\w+)", trust)
    assert severities[:2] == [("problem", "stratified"), ("problem", "case")]
    assert [severity for severity, _ in severities] == sorted(
        (severity for severity, _ in severities), key=("problem", "caution", "note").index
    )
    said = "Split case: The model does worse than one that sees no pixel and is given "
    own = f": accuracy {panel['scores']['accuracy']['value']:.3f} ("
    assert said in trust
    assert own in trust[trust.index(said) :]
    results = write_results_page(runs, record, tmp_path / "page.md", command="osteolens run").read_text("utf-8")
    assert f"- **problem**: {said}" in results[: results.index("Figures of the test part")]


def test_gap_is_the_difference_of_the_figures(page: Page, complete_run: RunFolder, case_run: RunFolder) -> None:
    leaking, clean = (
        read_json(run.evaluation / "metrics_summary.json")["overall"]["accuracy"]["value"]
        for run in (complete_run, case_run)
    )
    said = f"accuracy {leaking:.3f} against {clean:.3f}, a difference of {leaking - clean:+.3f} ("
    assert said in page.text


def test_every_run_has_its_links(page: Page) -> None:
    addresses = re.findall(r'<a href="([^"#]+)">', page.raw)
    assert addresses == [
        *("case/report.html", "case/model_card.html"),
        *("stratified/report.html", "stratified/model_card.html"),
        "poc_report.html",
    ]


def test_single_leaking_run(complete_run: RunFolder, tmp_path: Path) -> None:
    page = Page(write_page(tmp_path / "report.html", complete_run))
    assert "No run on this page is free of shared cases" in page.text
    assert "so there is no gap to tell" in page.text


def test_copied_files_are_leakage_too(case_run: RunFolder, tmp_path: Path) -> None:
    run = RunFolder(Path(shutil.copytree(case_run.root, tmp_path / "tiny" / "case")))
    leakage = read_json(run.leakage)
    leakage["evaluation"]["test"]["overall"]["duplicated"] = 1
    write_json(run.leakage, leakage)
    page = Page(write_page(tmp_path / "report.html", run))
    assert "case (shares files)" in page.table("Figures of the test part")
    assert page.table("Share of images")["case, test (reported)"]["Same file in train"] == "1.9% (1 of 54)"
    assert "keeps cases apart" not in page.text


def test_runs_that_do_not_make_one_report_are_refused(complete_run: RunFolder, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no run to report on"):
        read_runs([])
    with pytest.raises(DataError, match="one run per split scheme, but these are on stratified, stratified"):
        read_runs([complete_run, complete_run])
    other = RunFolder(Path(shutil.copytree(complete_run.root, tmp_path / "second" / "case")))
    load_config(other.config, ["experiment=second", "training.split_strategy=case"]).save(other.config)
    with pytest.raises(DataError, match=r"different experiments: \['second', 'tiny'\]"):
        read_runs([complete_run, other])


def test_a_comparison_of_other_answers_is_refused(complete_run: RunFolder, case_run: RunFolder, tmp_path: Path) -> None:
    record = write_comparison([read_compared(complete_run)], tmp_path, Resampling(resamples=100))
    out = tmp_path / "report.html"
    with pytest.raises(DataError, match=r"comparison is not of the answers of tiny, case\. Run osteolens report"):
        write_experiment_report(read_runs([complete_run, case_run]), record, out)
    record["runs"][0]["predictions_sha256"] = "0" * 64
    with pytest.raises(DataError, match="not of the answers of tiny, stratified"):
        write_experiment_report(read_runs([complete_run]), record, out)
    assert not out.exists()
