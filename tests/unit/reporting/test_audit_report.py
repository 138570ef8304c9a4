from __future__ import annotations

import json
import shutil
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import osteolens
from osteolens.data.audit import AuditResult, audit
from osteolens.reporting.audit_report import write_audit_report
from osteolens.reporting.audit_sections import Section, audit_sections
from osteolens.reporting.html import PageTable, count, fixed, markdown_cell, percent, render

ALL_DEPARTURES = "Departures from the schema, all of which are in data_audit_violations.csv"
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> AuditResult:
    """Five images, two of them identical, and a row whose name would be code if it were not escaped."""
    root = tmp_path_factory.mktemp("data")
    (root / "images").mkdir()
    rows = ["image_id,center,age,benign,malignant"]
    for i in range(4):
        noise = np.random.default_rng(i).integers(0, 255, (40 + i, 50), dtype=np.uint8)
        Image.fromarray(noise).save(root / "images" / f"{i}.png")
        rows.append(f"{i}.png,{i % 2 + 1},{20 + i},{int(i > 1)},0")
    shutil.copy(root / "images" / "0.png", root / "images" / "copy.png")
    rows.append("copy.png,3,30,1,0")
    (root / "Annotations").mkdir()
    outline = {"label": "x", "shape_type": "polygon", "points": [[0, 0], [25, 0], [25, 40], [0, 40]]}
    drawn = {"imageWidth": 50, "imageHeight": 40, "shapes": [outline, {**outline, "shape_type": "circle"}]}
    (root / "Annotations" / "2.json").write_text(json.dumps(drawn), encoding="utf-8")
    (root / "Annotations" / "3.json").write_text("{", encoding="utf-8")
    rows.append(f"a|{HOSTILE}.png,3,200,0,1")
    (root / "dataset.csv").write_text("\n".join(rows), encoding="utf-8")
    share = {"n": 2, "shared": 1, "shared_fraction": 0.5}
    entry = {
        "per_class": {"Benign": share},
        "tumours": share,
        "overall": {"n": 4, "shared": 1, "shared_fraction": 0.25},
    }
    return audit(root, leakage={"stratified": {"evaluation": {"test": entry}}})


class Page(HTMLParser):
    """Collects what the checks below need."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.sources: list[str] = []
        self.alts: list[str] = []
        self.tags: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.tags.append(tag)
        self.ids += [values["id"]] if "id" in values else []
        self.links += [values["href"]] if "href" in values else []
        self.sources += [values["src"]] if "src" in values else []
        self.alts += [values.get("alt", "")] if tag == "img" else []


def test_page_is_self_contained_and_readable_without_seeing(result: AuditResult, tmp_path: Path) -> None:
    text = write_audit_report(result, tmp_path)["html"].read_text(encoding="utf-8")
    page = Page(text)
    assert all(source.startswith("data:image/png;base64,") for source in page.sources)
    assert len(page.sources) == 5
    assert all(page.alts)
    assert {link.removeprefix("#") for link in page.links} <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))
    assert "http" not in text.replace("http-equiv", "")
    assert text.count(osteolens.NOT_FOR_CLINICAL_USE) == 2
    assert '<html lang="en">' in text
    assert "prefers-color-scheme: dark" in text
    assert "@media print" in text


def test_names_from_the_data_are_escaped(result: AuditResult, tmp_path: Path) -> None:
    paths = write_audit_report(result, tmp_path)
    assert "script" not in Page(paths["html"].read_text(encoding="utf-8")).tags
    markdown = paths["markdown"].read_text(encoding="utf-8")
    assert HOSTILE not in markdown
    assert "a\\|&lt;script>" in markdown


def test_numbers_stand_at_the_right(result: AuditResult, tmp_path: Path) -> None:
    paths = write_audit_report(result, tmp_path)
    assert '<td class="number">2</td>' in paths["html"].read_text(encoding="utf-8")
    assert (
        "| center | Normal | Benign | Malignant | all |\n| --- | ---: | ---: | ---: | ---: |\n| 1 | 1 | 1 | 0 | 2 |"
        in (paths["markdown"].read_text(encoding="utf-8"))
    )


def test_markdown_tables_have_equal_rows_and_figures_exist(result: AuditResult, tmp_path: Path) -> None:
    lines = write_audit_report(result, tmp_path)["markdown"].read_text(encoding="utf-8").splitlines()
    columns = [line.replace("\\|", "").count("|") for line in lines]
    for above, below, line in zip(columns, columns[1:], lines[1:], strict=False):
        assert above == below or 0 in {above, below}, line
    pictures = [line.split("](")[1].rstrip(")") for line in lines if line.startswith("![")]
    assert len(pictures) == 5
    assert all((tmp_path / picture).is_file() for picture in pictures)


def test_json_holds_the_summary_and_nothing_changes_on_a_second_run(result: AuditResult, tmp_path: Path) -> None:
    paths = write_audit_report(result, tmp_path)
    stored = json.loads(paths["json"].read_text(encoding="utf-8"))
    assert stored["classes"] == {"Normal": 2, "Benign": 3, "Malignant": 1}
    assert stored["annotations"]["lesion_area"]["Normal"]["median"] is None
    before = {path: path.read_bytes() for path in sorted(tmp_path.rglob("*")) if path.is_file()}
    write_audit_report(result, tmp_path)
    assert {path: path.read_bytes() for path in sorted(tmp_path.rglob("*")) if path.is_file()} == before


def chapter(result: AuditResult, anchor: str, **changes: Any) -> Section:
    (section,) = (section for section in audit_sections(result.summary | changes) if section.anchor == anchor)
    return section


def test_annotation_chapter(result: AuditResult) -> None:
    section = chapter(result, "annotations")
    assert section.text[0] == "2 files with 1 lesion, drawn as 1 outline and 0 boxes."
    assert section.text[2] == "1 annotation made at another picture size; outlines are scaled to the picture."
    assert section.text[3] == f"Tumour images without an annotated lesion: 3.png, copy.png, a|{HOSTILE}.png."
    tables = {table.caption: table.rows for table in section.tables}
    assert ("Benign", "3", "1", "33.3%") in tables["Images with an annotated lesion"]
    assert tables["Lesion area, share of the image"][1] == ("Benign", "1", *["50.00%"] * 7)
    assert [row[0] for row in tables["Annotation files that cannot be read"]] == ["3"]
    assert [row[0] for row in tables["Shapes that were ignored"]] == ["2"]
    assert tables["Outlines and boxes differ in number"] == (("2", "1", "0"),)
    assert chapter(result, "annotations", annotations={"files": 0}).text == ("There are no annotation files.",)


def test_duplicate_chapter_shows_conflicting_labels_first(result: AuditResult) -> None:
    (table,) = chapter(result, "duplicates").tables
    assert table.rows == (("0.png, copy.png", "Normal, Benign"),)
    duplicates = result.summary["duplicates"]
    more = duplicates | {"exact_groups": [["x", "y"], *duplicates["exact_groups"]]}
    assert [row[1] for row in chapter(result, "duplicates", duplicates=more).tables[0].rows] == [
        "Normal, Benign",
        "agree",
    ]


def test_metadata_chapter(result: AuditResult) -> None:
    section = chapter(result, "metadata")
    tables = {table.caption: table.rows for table in section.tables}
    assert tables["Missing values"] == (("age", "1", "16.7%"),)  # 200 years are no age
    assert tables[ALL_DEPARTURES][-1][1:5] == ("7", "age", "200", "warning")
    assert ("the table has no such column.", "warning", "32") in tables["Departures by kind"]
    assert chapter(result, "leakage", leakage=None).text == ("No split was examined.",)


def test_leakage_chapter_lists_every_class_and_the_totals(result: AuditResult) -> None:
    assert chapter(result, "leakage").tables[0].rows == (
        ("stratified", "test", "Benign", "2", "1", "50.0%", "n/a"),
        ("stratified", "test", "all tumours", "2", "1", "50.0%", "n/a"),
        ("stratified", "test", "all", "4", "1", "25.0%", "n/a"),
    )
    assert "Without a case table" in chapter(result, "leakage").text[0]
    section = chapter(result, "leakage", leakage={"center": {"reason": "there is one center."}})
    assert section.text == ("No split was examined.", "center: there is one center.")


def test_case_chapter(result: AuditResult) -> None:
    assert "No case table" in chapter(result, "cases").text[0]
    cases = {
        "cases": 3,
        "largest": 4,
        "by_size": {"1": {"cases": 2, "images": 2}, "3-5": {"cases": 1, "images": 4}},
        "images_with_siblings": {"Benign": {"images": 6, "with_sibling": 4}},
        "of_several_classes": 1,
    }
    section = chapter(result, "cases", cases=cases)
    assert section.text == (
        "6 images of 3 cases; the largest holds 4 images.",
        "1 case with images of more than one class.",
    )
    assert section.tables[0].rows == (("1", "2", "2"), ("3-5", "1", "4"))
    published = {"published": {"reason": "another data set."}}
    assert "upper bound" in chapter(result, "cases", cases=cases, leakage=published).text[1]
    assert section.tables[1].rows == (("Benign", "6", "4", "66.7%"),)


def test_origin_chapter_writes_shares_as_percentages(result: AuditResult) -> None:
    statistics = {
        "all": {"n": 5, "mean": 80.4, "black_border": 0.25, "framed": 0.2},
        "x": {"n": 2, "mean": 70.0, "black_border": 0.0, "framed": 0.0},
    }
    told = {"mean": {"Benign": {"auc": 0.751, "n": 5}}, "width": {"Malignant": {"auc": 0.3, "n": 4}}}
    section = chapter(result, "origin", statistics=statistics, class_from_statistics=told)
    assert section.tables[0].headings == ("number", "all", "x")
    assert section.tables[0].rows == (
        ("images", "5", "2"),
        ("mean grey level", "80", "70"),
        ("black border", "25.0%", "0.0%"),
        ("framed", "20.0%", "0.0%"),
    )
    assert section.tables[1].headings == ("number", "images", "Benign", "Malignant")
    assert section.tables[1].rows == (("mean grey level", "5", "0.75", "n/a"), ("width", "4", "n/a", "0.30"))
    assert chapter(result, "origin", statistics={}, class_from_statistics={}).text == ("No picture could be read.",)


def test_violations_are_written_as_a_table(result: AuditResult, tmp_path: Path) -> None:
    path = write_audit_report(result, tmp_path)["violations"]
    table = pd.read_csv(path, keep_default_na=False, dtype=str)
    assert list(table) == ["row", "image_id", "column", "value", "severity", "message"]
    assert table.iloc[-1].tolist()[0] == "7"
    assert table.iloc[-1].tolist()[2:5] == ["age", "200", "warning"]


def test_long_tables_end_and_say_so(result: AuditResult) -> None:
    pair = {"first": "a", "second": "b", "distance": 1, "labels": ["x", "y"], "same_case": None}
    duplicates = result.summary["duplicates"] | {"near_pairs": [pair] * 1200}
    table = chapter(result, "duplicates", duplicates=duplicates).tables[-1]
    assert len(table.rows) == 50
    assert table.caption == "Near-identical pictures: the first 50 of 1,200; data_audit.json holds all"


def test_how_numbers_are_written() -> None:
    assert (count(3746), count(None), count(float("nan"))) == ("3,746", "n/a", "n/a")
    assert (percent(0.679), percent(0.0092, 2), percent(0), percent(None)) == ("67.9%", "0.92%", "0.0%", "n/a")
    assert (fixed(0.9284), fixed(2, 1), fixed(float("inf"))) == ("0.928", "2.0", "n/a")
    assert markdown_cell("a | b\n`<c>`") == "a \\| b \\`&lt;c>\\`"


def test_columns_of_numbers_are_known_by_their_form() -> None:
    rows = (("1", "1,593", "n/a", "12.5%", "x"), ("2", "-3", "0.5", "n/a", "7"))
    assert PageTable(("a", "b", "c", "d", "e"), rows).numeric == (False, True, True, True, False)


def test_a_template_with_a_missing_variable_is_an_error() -> None:
    with pytest.raises(Exception, match="'summary' is undefined"):
        render("audit.html.j2", sections=[], figures={})
