from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

import pytest
from compared import answers, write_experiments

from osteolens.evaluation.compared_run import ComparedRun
from osteolens.evaluation.resampling import Resampling
from osteolens.experiments.compared_folders import find_folders, read_compared
from osteolens.experiments.comparison import write_comparison
from osteolens.reporting.comparison_report import write_comparison_report
from osteolens.reporting.comparison_tables import p_text
from osteolens.reporting.comparison_words import verdict

NUMBER = re.compile(r"(?<![\w.,])[+-]?\d[\d,]*(?:\.\d+)?(?:e[+-]\d+)?%?")


def numbers(value: Any) -> set[str]:
    """Every way in which a number of the record may be written, and every number within its texts."""
    if isinstance(value, dict):
        return set().union(*(numbers(item) for item in value.values()))
    if isinstance(value, list | tuple):
        return set().union(*(numbers(item) for item in value))
    if isinstance(value, str):
        return set(NUMBER.findall(value))
    if isinstance(value, bool) or value is None:
        return set()
    if isinstance(value, int):
        return {f"{value:,}", f"{100 * value:.1f}%", f"{value}", f"{value:.3f}", f"{value:.2f}", f"{value:+.3f}"}
    forms = {f"{value:.3f}", f"{value:.2f}", f"{value:+.3f}", f"{value:+.2f}", f"{value:.1e}"}
    return forms | {f"{100 * value:.1f}%", f"{100 * value:.0f}%"}


def words_of(page: str) -> str:
    """What a reader sees of a page or of Markdown, without footnote marks and the pictures' data."""
    unread = r"<style>.*?</style>|<sup>.*?</sup>|\[[a-z]+\]|<footer>.*?</footer>|Made by osteolens.*"
    text = re.sub(unread, " ", page, flags=re.DOTALL)
    text = re.sub(r"<[^>]*>", " ", text[text.index("<body>") :] if "<body>" in text else text)
    return html.unescape(text).replace("\N{EN DASH}", " to ").replace("\N{MINUS SIGN}", "-")


def strangers(page: str, record: dict[str, Any]) -> set[str]:
    return set(NUMBER.findall(words_of(page))) - numbers(record)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Path]:
    root = tmp_path_factory.mktemp("compared")
    results = write_experiments(root / "results")
    runs = [read_compared(folder) for folder in find_folders([results / "a", results / "b"])]
    record = write_comparison(runs, root / "out", Resampling(100))
    return record, write_comparison_report(record, root / "out")


def test_every_number_on_the_page_is_in_the_record(made: tuple[dict[str, Any], Path]) -> None:
    record, page = made
    for path in (page, page.with_suffix(".md")):
        text = path.read_text(encoding="utf-8")
        assert len(NUMBER.findall(words_of(text))) > 200
        assert strangers(text, record) == set()
        assert len(strangers(text, {**record, "runs": [], "gaps": [], "comparisons": []})) > 30


def test_the_page_says_which_figures_are_honest(made: tuple[dict[str, Any], Path]) -> None:
    record, page = made
    text = page.read_text(encoding="utf-8")
    assert text.count("Not for clinical use") >= 2
    assert text.index("a, case (new cases)") < text.index("a, stratified (leaks)")
    assert 'class="problem"' in text
    shared = record["runs"][-1]["train_overlap"]["shared"]["tumours"]
    assert f"{shared['shared']} of {shared['n']}" in text
    for title in ("Figures", "Generalisation gap", "Model against model", "Published figures and their caveats"):
        assert re.search(rf'<a href="#[a-z]+">{title}</a>', text)
    assert text.count('src="data:image/png;base64,') == 1
    assert 'src="http' not in text
    assert '<td class="number">' in text


def test_the_row_of_a_run_holds_its_figures_in_order(made: tuple[dict[str, Any], Path]) -> None:
    record, page = made
    run = record["runs"][0]
    figures = run["figures"]
    entries = [figures[name] for name in ("accuracy", "balanced_accuracy", "macro_auc")]
    entries += [*figures["sensitivity"].values(), figures["malignant_sensitivity_at_specificity"]]
    cells = [f"{entry['value']:.3f} ({entry['low']:.3f}\N{EN DASH}{entry['high']:.3f})" for entry in entries]
    row = " | ".join(["a, case (new cases)", "0.0% (0 of 20)", "30", "15", *cells])
    text = re.sub(r" \[[a-z]+\]", "", page.with_suffix(".md").read_text(encoding="utf-8"))  # marks of footnotes
    assert f"| {row} |" in text.splitlines()


def test_gap_and_pair_are_those_of_the_record(made: tuple[dict[str, Any], Path]) -> None:
    record, page = made
    text = " ".join(words_of(page.read_text(encoding="utf-8")).split())
    gap = record["gaps"][0]["figures"]["accuracy"]
    assert f"accuracy {gap['first']:.3f} against {gap['second']:.3f}, a difference of {gap['value']:+.3f}" in text
    pair = record["comparisons"][0]["figures"]["auc"]["Malignant"]
    sides = f"AUC Malignant {pair['first']:.3f} {pair['second']:.3f} {pair['value']:+.3f}"
    limits = f"({pair['low']:+.3f} to {pair['high']:+.3f})"
    assert f"{sides} {limits} {p_text(pair['p_value'])} {p_text(pair['p_holm'])}" in text
    assert "each figure by itself: 1 pair." in text


def test_precision_and_recall_of_the_paper_stand_side_by_side(made: tuple[dict[str, Any], Path]) -> None:
    lines = made[1].with_suffix(".md").read_text(encoding="utf-8").splitlines()
    assert "| Class | Recall | Precision | Quoted as recall | Quoted as precision |" in lines
    assert "| Malignant | 0.734 (47 of 64) | 0.839 (47 of 56) | 0.839 | 0.734 |" in lines
    assert any(line.startswith("| BTXRD paper, YOLOv8 (leaks) | 67.9% | 751 | 0.884 |") for line in lines)
    assert "| Mean IoU of maps | Grad-CAM, experiment grid | above 0.15 |" in lines
    assert not any(
        "| not given | not given | not given | not given | not given | not given |" in line for line in lines
    )


def test_one_table_of_anybody_makes_a_page(tmp_path: Path) -> None:
    theirs = ComparedRun("theirs", "", answers(list(range(30)), case_id=""))
    record = write_comparison([theirs], tmp_path, Resampling(100))
    text = words_of(write_comparison_report(record, tmp_path).read_text(encoding="utf-8"))
    assert "theirs (sharing unknown): What these images share with train is not known" in text
    assert "No run here is known to be free of shared cases" in text
    assert "there is no gap to tell" in text
    assert "Model against model" not in text


def test_the_same_record_gives_the_same_files(made: tuple[dict[str, Any], Path]) -> None:
    record, page = made
    before = [path.read_bytes() for path in (page, page.with_suffix(".md"))]
    write_comparison_report(record, page.parent)
    assert [path.read_bytes() for path in (page, page.with_suffix(".md"))] == before


def test_what_is_shared_is_told_by_the_group_that_shares() -> None:
    run = {"label": "a, case", "kind": "leaking"}
    clean, some = {"n": 20, "shared": 0, "shared_fraction": 0.0}, {"n": 30, "shared": 3, "shared_fraction": 0.1}
    finding = verdict({**run, "train_overlap": {"shared": {"tumours": clean, "all": some}, "copies": 2}})
    assert finding.severity == "problem"
    assert "10.0% of its images (3 of 30) show a case that is also in train." in finding.text
    assert "Of 2 images a byte-identical file is in train." in finding.text
    copies = verdict({**run, "train_overlap": {"shared": {"all": clean}, "copies": 1}})
    assert "show a case" not in copies.text


def test_small_p_values_are_powers_of_ten() -> None:
    assert [p_text(value) for value in (0.04, 0.00023, 1.0, None)] == ["0.040", "2.3e-04", "1.000", "n/a"]


def test_what_could_not_be_told_is_said(made: tuple[dict[str, Any], Path], tmp_path: Path) -> None:
    record, page = made
    gap = {"experiment": "a", "first": "a, stratified", "second": "a, case", "reason": "an image has two labels."}
    holm = record["holm"] | {"reason": "100 resamples give no p below 0.02"}
    (tmp_path / "comparison.png").write_bytes((page.parent / "comparison.png").read_bytes())
    changed = write_comparison_report(record | {"gaps": [], "gaps_refused": [gap], "holm": holm}, tmp_path)
    text = words_of(changed.read_text(encoding="utf-8"))
    assert "a, stratified and a, case were not compared: an image has two labels." in text
    assert "100 resamples give no p below 0.02." in text
    assert "there is no gap to tell" not in text
