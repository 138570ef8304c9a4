from __future__ import annotations

import itertools
import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from osteolens.config import Config, load_config
from osteolens.errors import DataError
from osteolens.evaluation.evaluate import evaluate
from osteolens.evaluation.predictions import PredictionsTable
from osteolens.reporting.run_report import write_run_report
from osteolens.storage import RunFolder, write_json, write_table

CLASSES = ("Normal", "Benign", "Malignant")
PIXEL = bytes.fromhex(  # a PNG of one white pixel
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de"
    "0000000c49444154789c63f8ffff3f0005fe02fe0def46b80000000049454e44ae426082"
)
TEST_LABELS = ["Normal"] * 4 + ["Benign"] * 3 + ["Malignant"] * 3
ALL_RIGHT_BUT_ONE = [*TEST_LABELS[:-1], "Benign"]  # 9 of 10 images, 2 of 3 malignant ones
ALL_RIGHT_BUT_THREE = ["Normal", "Normal", "Normal", "Benign", *["Benign"] * 3, "Malignant", "Normal", "Benign"]
MAP_SCORES = ("iou_0.3", "iou_0.5", "pointing_game", "energy", "area_share", "energy_ratio")
VOID = {"meta", "img", "br", "link", "hr"}


class Page(HTMLParser):
    """The page as elements, headings and tables, in the order in which they stand."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.headings: list[tuple[int, str]] = []
        self.tables: dict[str, list[list[str]]] = {}
        self.words: list[str] = []
        self._open: list[str] = []
        self._rows: list[list[str]] = []
        self._caption = ""
        self.raw = path.read_text(encoding="utf-8")
        self.feed(self.raw)
        assert self._open == []
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)
        if tag == "table":
            self._rows, self._caption = [], ""
        elif tag == "tr":
            self._rows.append([])
        elif tag in {"td", "th"}:
            self._rows[-1].append("")
        elif re.fullmatch("h[1-6]", tag):
            self.headings.append((int(tag[1]), ""))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag
        if tag == "table":
            self.tables[self._caption] = self._rows

    def handle_data(self, data: str) -> None:
        if "style" in self._open or "title" in self._open:
            return
        data = data.replace("\N{EN DASH}", "-")
        self.words.append(data)
        if self._open and re.fullmatch("h[1-6]", self._open[-1]):
            self.headings[-1] = (self.headings[-1][0], self.headings[-1][1] + data)
        elif "caption" in self._open:
            self._caption += data
        elif {"td", "th"} & set(self._open) and "sup" not in self._open:
            self._rows[-1][-1] += data

    def table(self, beginning: str) -> dict[str, dict[str, str]]:
        """Return row name to heading to cell of the one table whose caption begins so."""
        (found,) = [rows for caption, rows in self.tables.items() if caption.startswith(beginning)]
        return {row[0]: dict(zip(found[0][1:], row[1:], strict=True)) for row in found[1:]}


def make_run(
    root: Path,
    scheme: str = "case",
    *,
    answers: list[str] = ALL_RIGHT_BUT_THREE,
    labels: list[str] = TEST_LABELS,
    shared: int = 0,
    source: str = "radiopaedia",
    maps: bool = True,
) -> RunFolder:
    """Write a run of ten train and ten test images; the last `shared` test images are of train cases."""
    run = RunFolder(root / "tiny" / scheme)
    config = Config().with_overrides(
        "experiment=tiny", f"training.split_strategy={scheme}", "data.root=/somebodys/folder", "training.epochs=3"
    )
    config.save(run.config)
    ids = [f"IMG{index:06d}.jpeg" for index in range(20)]
    cases = [f"case{index}" for index in range(20)]
    cases[20 - shared :] = cases[10 - shared : 10]
    frame = pd.DataFrame({"image_id": ids, "split": ["train"] * 10 + ["test"] * 10, "label": [*TEST_LABELS, *labels]})
    frame = frame.assign(case_id=cases, center="2", source=source, scheme=scheme, seed="42")
    write_table(run.manifest, frame)
    write_json(run.leakage, leakage_record(labels, shared))
    write_json(run.provenance, {"osteolens": "0.1.0", "run": f"run of {scheme}", "note": "<script>alert(1)</script>"})
    log = {"epoch": [1, 2, 3], "train_loss": [3, 2, 1], "val_macro_auc": [0.5, 0.75, 0.625], "seconds": [30, 30, 30]}
    write_table(run.log, pd.DataFrame(log))
    run.curves.write_bytes(PIXEL)
    probabilities = 0.1 + 0.7 * np.array([[name == answer for name in CLASSES] for answer in answers])
    probabilities += np.linspace(0, 0.02, 10)[:, None] * [1, 0, -1]  # fewer ties
    table = PredictionsTable.from_arrays(
        CLASSES, image_ids=ids[10:], labels=labels, probabilities=probabilities, case_id=cases[10:]
    )
    evaluate(table, run.evaluation, resamples=100, seed=1)
    if maps:
        write_maps(run)
    return run


def leakage_record(labels: list[str], shared: int) -> dict[str, Any]:
    flags = np.arange(10) >= 10 - shared

    def share(inside: np.ndarray) -> dict[str, float]:
        n, found = int(inside.sum()), int((inside & flags).sum())
        return {"n": n, "shared": found, "shared_fraction": found / n, "duplicated": 0}

    truth = np.array(labels)
    entry = {
        "per_class": {name: share(truth == name) for name in sorted(set(labels))},
        "overall": share(truth != ""),
        "tumours": share(truth != "Normal"),
    }
    return {"evaluation": {"test": entry}, "sentence": f"The sentence on {shared} images."}


def write_maps(run: RunFolder) -> None:
    def scores(offset: float) -> dict[str, Any]:
        values = {name: 0.1 * place + offset for place, name in enumerate(MAP_SCORES)}
        return {
            name: {"value": value, "low": value - 0.05, "high": value + 0.05, "n": 6, "reason": None}
            for name, value in values.items()
        }

    nothing = {"value": None, "low": None, "high": None, "n": 0, "reason": "no annotated image"}
    empty = {"n": 0, "cases": 0, **dict.fromkeys(MAP_SCORES, nothing)}
    report = {
        "n": 6,
        "cases": 5,
        "warnings": ["1 of 6 maps is 0 everywhere."],
        "overall": scores(0.1234),
        "centre_prior": {"deviation": 0.25, **scores(0.0567)},
        "all_shapes": scores(0.2),
        "per_class": {"Normal": empty, "Benign": {"n": 3, "cases": 3, **scores(0.06)}, "Malignant": empty},
        "per_size_band": {"<0.5 %": {"n": 6, "cases": 5, **scores(0.07)}, ">10 %": empty},
    }
    write_json(run.explanation / "annotation_report.json", report)
    (run.explanation / "annotation_comparison.png").write_bytes(PIXEL)
    groups = {"TP": {"total": 7, "shown": [{}, {}]}, "FP": {"total": 0, "shown": []}, "FN": {"total": 1, "shown": [{}]}}
    galleries = {name: {"file": f"gallery_{name}.png", "groups": groups} for name in CLASSES}
    write_json(run.explanation / "gallery_index.json", {"galleries": galleries})
    for gallery in galleries.values():
        (run.explanation / str(gallery["file"])).write_bytes(PIXEL)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A finished run that tests copy before they change it."""
    return make_run(tmp_path_factory.mktemp("finished"))


@pytest.fixture
def run(finished: RunFolder, tmp_path: Path) -> RunFolder:
    """A copy of a finished run."""
    return RunFolder(Path(shutil.copytree(finished.root, tmp_path / "tiny" / "case")))


def report_on(out: Path, *runs: RunFolder) -> Page:
    return Page(write_run_report(runs, out / "report.html"))


def assert_shows(cell: str, entry: dict[str, Any], interval_digits: int = 2) -> None:
    """The cell holds the figure with three decimals and its interval, both right to the last digit."""
    figure, low, high = re.fullmatch(r"(-?\d+\.\d{3}) \((-?\d+\.\d+)(?:-| to )(-?\d+\.\d+)\)", cell).groups()
    assert float(figure) == pytest.approx(entry["value"], abs=0.000501)
    for shown, limit in ((low, entry["low"]), (high, entry["high"])):
        assert len(shown.partition(".")[2]) == interval_digits
        assert float(shown) == pytest.approx(limit, abs=0.501 * 10**-interval_digits)


@pytest.fixture(scope="module")
def two_runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Page, dict[str, RunFolder]]:
    root = tmp_path_factory.mktemp("runs")
    runs = {
        "stratified": make_run(root, "stratified", answers=ALL_RIGHT_BUT_ONE, shared=2),
        "case": make_run(root, "case"),
    }
    return report_on(root, *runs.values()), runs


def test_every_metric_is_that_of_the_result_files(two_runs: tuple[Page, dict[str, RunFolder]]) -> None:
    page, runs = two_runs
    headline = page.table("Figures of the test part with 95% intervals")
    for name, run_label in (("case", "case (no shared case)"), ("stratified", "stratified (shares cases)")):
        summary = json.loads((runs[name].evaluation / "metrics_summary.json").read_text(encoding="utf-8"))
        row = headline[run_label]
        assert (row["Images"], row["Cases"]) == ("10", "10")
        overall = {"Accuracy": "accuracy", "Macro AUC": "macro_auc", "Macro F1": "macro_f1"}
        for heading, key in {"Balanced accuracy": "balanced_accuracy", **overall}.items():
            assert_shows(row[heading], summary["overall"][key])
        further = page.table(f"{name}: further figures")["All together"]
        names = {"Macro average precision": "macro_average_precision", "Cohen's kappa": "cohen_kappa"}
        for heading, key in {**names, "Matthews correlation": "mcc"}.items():
            assert_shows(further[heading], summary["overall"][key])
        classes = page.table(f"{name}: each class against the rest")
        for label, entries in summary["per_class"].items():
            assert classes[label]["Images"] == str(summary["per_class_n"][label])
            for metric, entry in entries.items():
                heading = {"auc": "AUC", "f1": "F1"}.get(metric, metric.replace("_", " ").capitalize())
                if entry["low"] is not None:
                    assert_shows(classes[label][heading], entry)
            if entries["sensitivity"]["low"] is not None:
                assert classes[label]["Sensitivity"] == row[f"Sensitivity {label}"]
        report = json.loads((runs[name].evaluation / "classification_report.json").read_text(encoding="utf-8"))
        for mean, key in (("Mean of the classes", "macro avg"), ("Mean weighted by images", "weighted avg")):
            assert float(classes[mean]["Precision"]) == pytest.approx(report[key]["precision"], abs=0.000501)
            assert float(classes[mean]["Sensitivity"]) == pytest.approx(report[key]["recall"], abs=0.000501)
            assert float(classes[mean]["F1"]) == pytest.approx(report[key]["f1-score"], abs=0.000501)


def test_map_scores_stand_beside_the_centre_prior(two_runs: tuple[Page, dict[str, RunFolder]]) -> None:
    page, _ = two_runs
    rows = page.table("case: agreement with the annotation")
    assert rows["IoU at 0.3"] == {
        "Maps": "0.123 (0.073-0.173)",
        "Centre prior": "0.057 (0.007-0.107)",
        "Maps, boxes included": "0.200 (0.150-0.250)",
    }
    assert rows["Energy / area share"]["Maps"] == "0.623 (0.573-0.673)"
    by_class = page.table("case: maps by class")
    assert list(by_class) == ["Benign"]  # the others have no annotated image
    assert by_class["Benign"]["Pointing game"] == "0.260 (0.210-0.310)"
    assert "in a share of 0.323 (0.273-0.373) of the 6 annotated images (5 cases)" in page.text
    assert "1 of 6 maps is 0 everywhere." in page.text


def test_leakage_comes_before_the_first_metric_and_the_clean_run_first(
    two_runs: tuple[Page, dict[str, RunFolder]],
) -> None:
    page, _ = two_runs
    captions = list(page.tables)
    assert captions[0].startswith("Share of images with another image of the same case in train")
    before = page.text[: page.text.index("Figures of the test part")]
    assert not re.search(r"\d\.\d{3}", before)
    rows = page.table("Share of images")
    assert list(rows) == ["case, test (reported)", "stratified, test (reported)"]
    assert rows["stratified, test (reported)"] == {
        "Normal": "0.0% (0 of 4)",
        "Benign": "0.0% (0 of 3)",
        "Malignant": "66.7% (2 of 3)",
        "All tumours": "33.3% (2 of 6)",
        "All images": "20.0% (2 of 10)",
        "Same file in train": "0.0% (0 of 10)",
    }
    headline = page.table("Figures of the test part")
    assert headline["stratified (shares cases)"]["Shared with train: tumours (all)"] == "33.3% (20.0%)"
    assert "The sentence on 2 images. Its figures also reward" in page.text
    assert "The honest figures are those of the split case" in page.text


def test_gap_and_malignant_answers_in_words(two_runs: tuple[Page, dict[str, RunFolder]]) -> None:
    page, _ = two_runs
    assert "From stratified, which shares cases, to case, which shares none: Accuracy 0.900 to 0.600" not in page.text
    assert (
        "From stratified, which shares cases, to case, which shares none: Accuracy 0.900 to 0.700 (-0.200)" in page.text
    )
    assert "Sensitivity Malignant 0.667 to 0.333 (-0.333)" in page.text
    assert "of 3 Malignant images, 1 answered as Malignant, 1 as Normal and 1 as Benign; sensitivity 0.333" in page.text


def test_page_stands_alone(two_runs: tuple[Page, dict[str, RunFolder]]) -> None:
    page, _ = two_runs
    tags = {tag for tag, _ in page.elements}
    assert not tags & {"script", "link", "iframe", "object", "embed", "video", "audio"}
    for tag, attributes in page.elements:
        for name in ("src", "href", "srcset", "action"):
            if value := attributes.get(name):
                assert value.startswith(("data:image/png;base64,", "data:image/jpeg;base64,") if tag == "img" else "#")
    assert not re.search(r"url\(|@import|https?://", page.raw)
    assert "<script" not in page.raw.lower()  # the provenance holds one, which must come out as text
    assert "<script>alert(1)</script>" in page.text
    assert "/somebodys" not in page.raw


def test_page_can_be_read_without_seeing_it(two_runs: tuple[Page, dict[str, RunFolder]]) -> None:
    page, _ = two_runs
    levels = [level for level, _ in page.headings]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    pictures = [attributes for tag, attributes in page.elements if tag == "img"]
    assert len(pictures) == 2 * (3 + 1 + 4)  # evaluation, curves, panel and galleries of two runs
    assert all(re.search(r"\d", picture["alt"] or "") for picture in pictures)
    tags = [tag for tag, _ in page.elements]
    assert tags.count("figure") == tags.count("figcaption") == len(pictures)
    assert all("scope" in attributes for tag, attributes in page.elements if tag == "th")
    anchors = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(set(anchors)) == len(anchors)
    links = [attributes["href"] for tag, attributes in page.elements if tag == "a"]
    assert {str(link)[1:] for link in links} <= set(anchors)
    alts = " ".join(str(picture["alt"]) for picture in pictures)
    assert "Malignant answered as Normal 1, Benign 1, Malignant 1" in alts
    assert "TP 2 of 7, FP 0 of 0, FN 1 of 1" in alts


def test_training_data_and_recipe(two_runs: tuple[Page, dict[str, RunFolder]]) -> None:
    page, _ = two_runs
    assert "case: 3 epochs of at most 3, 1.5 minutes; epoch 2 was kept, chosen by val_macro_auc 0.750" in page.text
    counts = page.table("stratified: images and cases")
    assert counts["test"] == {"Normal": "4", "Benign": "3", "Malignant": "3", "Images": "10", "Cases": "10"}
    assert counts["all"]["Cases"] == "18"
    assert page.table("Recipe, all runs")["training.learning_rate"] == {"Value": "0.0003"}
    assert page.table("Recipe, where the runs differ") == {
        "training.split_strategy": {"case": "case", "stratified": "stratified"}
    }
    assert page.table("Provenance, where the runs differ")["run"]["stratified"] == "run of stratified"
    assert "osteolens run --config results/tiny/case/config.yaml --override experiment=tiny-repeated" in page.text


def test_undefined_figure_says_why(tmp_path: Path) -> None:
    labels = ["Normal"] * 5 + ["Benign"] * 5
    page = report_on(tmp_path, make_run(tmp_path, labels=labels, answers=labels, maps=False))
    row = page.table("Figures of the test part")["case (no shared case)"]
    assert row["Macro AUC"] == row["Sensitivity Malignant"] == "not defined"
    assert row["Accuracy"].startswith("1.000")
    notes = {attributes.get("title") for tag, attributes in page.elements if tag == "a"}
    assert "no Malignant image in this part" in notes
    assert page.text.count("no Malignant image in this part") >= 2  # as footnotes of the headline and the classes
    assert page.table("Share of images")["case, test (reported)"]["Malignant"] == "no image"
    assert "answered as Malignant" not in page.text


def test_single_leaking_run_without_maps(tmp_path: Path) -> None:
    run = make_run(tmp_path, "stratified", shared=2, source="hospital_unknown", maps=False)
    page = report_on(tmp_path, run)
    assert "No run on this page is free of shared cases" in page.text
    assert "an upper bound" in page.text
    assert "The maps were not made for this run. osteolens gradcam makes them." in page.text
    assert "which shares none" not in page.text


def test_upper_bound_is_said_only_of_pooled_normals(two_runs: tuple[Page, dict[str, RunFolder]]) -> None:
    assert "an upper bound" not in two_runs[0].text


def test_copied_files_are_leakage_too(tmp_path: Path, run: RunFolder) -> None:
    leakage = json.loads(run.leakage.read_text(encoding="utf-8"))
    leakage["evaluation"]["test"]["overall"]["duplicated"] = 1
    write_json(run.leakage, leakage)
    page = report_on(tmp_path, run)
    assert "case (shares files)" in page.table("Figures of the test part")
    assert "Its figures also reward" in page.text
    assert page.table("Share of images")["case, test (reported)"]["Same file in train"] == "10.0% (1 of 10)"
    assert "The honest figures" not in page.text


def test_report_is_the_same_when_made_again(tmp_path: Path, run: RunFolder) -> None:
    first = write_run_report([run], tmp_path / "a.html").read_bytes()
    assert write_run_report([run], tmp_path / "b.html").read_bytes() == first


@pytest.mark.parametrize(
    ("missing", "verb"),
    [
        ("config.yaml", "train"),
        ("manifest.csv", "train"),
        ("leakage.json", "train"),
        ("provenance.json", "train"),
        ("training_log.csv", "train"),
        ("training_curves.png", "train"),
        ("evaluation/metrics_summary.json", "eval"),
        ("evaluation/classification_report.json", "eval"),
        ("evaluation/roc_curves.png", "eval"),
        ("gradcam/gallery_Benign.png", "gradcam"),
        ("gradcam/annotation_comparison.png", "gradcam"),
        ("gradcam/annotation_report.json", "gradcam"),
    ],
)
def test_missing_file_is_named_with_its_verb(tmp_path: Path, run: RunFolder, missing: str, verb: str) -> None:
    (run.root / missing).unlink()
    with pytest.raises(DataError, match=rf"{re.escape(missing)} is missing; osteolens {verb} makes it"):
        write_run_report([run], tmp_path / "report.html")
    assert not (tmp_path / "report.html").exists()


def test_files_of_different_states_are_refused(tmp_path: Path, run: RunFolder) -> None:
    leakage = json.loads(run.leakage.read_text(encoding="utf-8"))
    leakage["evaluation"]["test"]["overall"]["n"] = 9
    write_json(run.leakage, leakage)
    with pytest.raises(DataError, match="do not belong together: the figures are of 10 test images"):
        write_run_report([run], tmp_path / "report.html")
    write_json(run.leakage, ["not", "a", "record"])
    with pytest.raises(DataError, match=r"leakage\.json holds no record. Run osteolens train again"):
        write_run_report([run], tmp_path / "report.html")
    write_json(run.leakage, {"evaluation": {}})
    with pytest.raises(DataError, match=r"leakage\.json lacks sentence"):
        write_run_report([run], tmp_path / "report.html")


def test_runs_that_do_not_make_one_report_are_refused(tmp_path: Path, run: RunFolder) -> None:
    with pytest.raises(DataError, match="no run to report on"):
        write_run_report([], tmp_path / "report.html")
    with pytest.raises(DataError, match="one run per split scheme, but these are on case, case"):
        write_run_report([run, run], tmp_path / "report.html")
    other = RunFolder(Path(shutil.copytree(run.root, tmp_path / "second" / "stratified")))
    config = load_config(other.config, ["experiment=second", "training.split_strategy=stratified"])
    config.save(other.config)
    with pytest.raises(DataError, match=r"different experiments: \['second', 'tiny'\]"):
        write_run_report([run, other], tmp_path / "report.html")
