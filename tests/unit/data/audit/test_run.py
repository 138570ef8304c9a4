from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from osteolens.config import load_config
from osteolens.data.audit import AuditResult, audit, leakage_of_splits
from osteolens.data.audit.figures import audit_figures
from osteolens.data.audit.findings import findings
from osteolens.data.audit.tables import missing_values, quantiles_by_class
from osteolens.data.radiographs import load_radiographs
from osteolens.errors import DataError
from osteolens.storage import to_json

ROWS = """image_id,center,age,gender,tumor,benign,malignant,femur,osteochondroma,osteosarcoma,frontal,lateral,oblique
a.jpeg,1,9,F,0,0,0,0,0,0,1,0,0
b.jpeg,1,10,M,1,1,0,1,1,0,1,1,0
c.jpg,2,70,M,1,0,1,1,0,1,0,1,0
d.png,2,,F,0,0,0,0,0,0,0,0,0
e.jpeg,3,33,F,1,1,0,1,1,0,0,0,1
f.jpeg,3,34,F,0,0,0,0,0,0,1,0,0
"""


def save(folder: Path, name: str, seed: int, size: tuple[int, int], *, colour: bool = False) -> None:
    noise = np.random.default_rng(seed).normal(size=(8, 8)).astype(np.float32)
    smooth = np.asarray(Image.fromarray(noise).resize(size, Image.Resampling.BICUBIC))
    picture = Image.fromarray(((smooth - smooth.min()) / np.ptp(smooth) * 255).astype(np.uint8))
    if colour:
        picture = picture.convert("RGB")
        picture.paste((255, 0, 0), (0, 0, 5, 5))
    picture.save(folder / name)


def labelme(*shapes: tuple[str, list[list[float]]]) -> str:
    drawn = [{"label": "x", "shape_type": kind, "points": points} for kind, points in shapes]
    return json.dumps({"imageWidth": 100, "imageHeight": 200, "shapes": drawn})


@pytest.fixture(scope="module")
def data_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six images: a and b identical, d coloured, e truncated, f without a file; and a file too many."""
    root = tmp_path_factory.mktemp("data")
    images, annotations = root / "images", root / "Annotations"
    images.mkdir()
    annotations.mkdir()
    (root / "dataset.csv").write_text(ROWS, encoding="utf-8")
    save(images, "a.jpeg", 1, (64, 48))
    shutil.copy(images / "a.jpeg", images / "b.jpeg")
    save(images, "c.jpeg", 2, (80, 100))
    save(images, "d.png", 3, (40, 60), colour=True)
    save(images, "extra.jpeg", 4, (64, 48))
    whole = (images / "c.jpeg").read_bytes()
    (images / "e.jpeg").write_bytes(whole[: len(whole) // 2])
    quarter = [[0.0, 0.0], [50.0, 0.0], [50.0, 100.0], [0.0, 100.0]]
    (annotations / "b.json").write_text(labelme(("polygon", quarter), ("rectangle", [[0, 0], [52, 102]])))
    (annotations / "c.json").write_text(labelme(("rectangle", [[0, 0], [100, 100]]), ("line", [[0, 0], [9, 9]])))
    (annotations / "e.json").write_text("{")
    (annotations / "stray.json").write_text(labelme())
    return root


@pytest.fixture(scope="module")
def result(data_root: Path) -> AuditResult:
    cases = pd.DataFrame({"image_id": ["a", "b", "c"], "case_id": ["1", "1", "2"], "source": ["x", "y", "y"]})
    return audit(data_root, cases=cases)


def test_counts(result: AuditResult) -> None:
    summary = result.summary
    assert summary["images"] == 6
    assert summary["annotated"] == 2
    assert summary["classes"] == {"Normal": 3, "Benign": 2, "Malignant": 1}
    assert json.loads(to_json(summary))["classes"] == summary["classes"]


def test_tables_by_class(result: AuditResult) -> None:
    tables = result.summary["tables"]
    assert tables["center"] == {
        "1": {"Normal": 1, "Benign": 1, "Malignant": 0},
        "2": {"Normal": 1, "Benign": 0, "Malignant": 1},
        "3": {"Normal": 1, "Benign": 1, "Malignant": 0},
    }
    assert tables["source"] == {
        "none given": {"Normal": 2, "Benign": 1, "Malignant": 0},
        "x": {"Normal": 1, "Benign": 0, "Malignant": 0},
        "y": {"Normal": 0, "Benign": 1, "Malignant": 1},
    }
    assert {band: sum(counts.values()) for band, counts in tables["age band"].items()} == {
        "0-9": 1,
        "10-19": 1,
        "30-39": 2,
        "70 and over": 1,
        "none given": 1,
    }
    assert {view: sum(counts.values()) for view, counts in tables["view"].items()} == {
        "frontal": 3,
        "lateral": 2,
        "oblique": 1,
        "none given": 1,
    }
    assert list(tables["site"]) == ["femur", "none given"]
    assert "region" not in tables


def test_files(result: AuditResult) -> None:
    files = result.summary["files"]
    assert files["missing"] == ["f.jpeg"]
    assert files["unlisted"] == ["extra.jpeg"]
    assert files["coloured"] == ["d.png"]
    assert [entry["image_id"] for entry in files["unreadable"]] == ["e.jpeg"]
    assert files["kinds"]["JPEG L"] == {"Normal": 1, "Benign": 1, "Malignant": 1}
    assert files["kinds"]["PNG RGB"] == {"Normal": 1, "Benign": 0, "Malignant": 0}
    assert files["borders"]["all"]["images"] == 4
    assert files["width"]["Normal"]["n"] == 2
    assert files["width"]["Normal"]["median"] == 52  # of 64 and 40
    assert files["height"]["Malignant"]["max"] == 100


def test_annotations(result: AuditResult) -> None:
    found = result.summary["annotations"]
    assert (found["files"], found["lesions"], found["polygons"], found["rectangles"]) == (4, 2, 1, 2)
    assert found["lesions_with_box_only"] == 1
    assert list(found["coverage"]) == ["Normal", "Benign", "Malignant"]
    assert found["coverage"]["Benign"] == {"images": 2, "annotated": 1}
    assert found["tumours_without_annotation"] == ["e.jpeg"]
    assert found["without_image"] == ["stray"]
    assert [entry["annotation"] for entry in found["unreadable"]] == ["e"]
    assert [entry["annotation"] for entry in found["ignored_shapes"]] == ["c"]
    assert found["outline_and_box_counts_differ"] == [{"annotation": "c", "polygons": 0, "rectangles": 1}]
    assert found["lesion_area"]["Benign"]["median"] == pytest.approx(0.25)
    assert found["lesion_area"]["Malignant"]["median"] == pytest.approx(0.5)
    assert found["lesion_area_bands"] == {"10% and over": {"Normal": 0, "Benign": 1, "Malignant": 1}}
    assert found["other_size"] == ["b.jpeg", "c.jpg"]  # drawn at 100 x 200
    assert found["turned"] == []


def test_cases_and_origin(result: AuditResult) -> None:
    """Cases: 1 holds a and b, 2 holds c, and the images of no table share the empty name."""
    assert result.summary["origin"] == "source"
    statistics = result.summary["statistics"]
    assert {name: entry["n"] for name, entry in statistics.items()} == {"all": 4, "none given": 1, "x": 1, "y": 2}
    assert statistics["y"]["width"] == 72  # of 64 and 80
    assert statistics["none given"]["coloured"] == 1
    assert result.summary["class_from_statistics"] == {}  # fewer than ten images


def test_duplicates_and_conflicting_labels(result: AuditResult) -> None:
    found = result.summary["duplicates"]
    assert found["exact_groups"] == [["a.jpeg", "b.jpeg"]]
    assert found["label_conflicts"] == [{"images": ["a.jpeg", "b.jpeg"], "labels": ["Normal", "Benign"]}]
    assert (found["groups_by_file"], found["groups_by_original"]) == (1, 0)
    assert found["near_pairs"] == []


def test_missing_values_and_violations(result: AuditResult) -> None:
    assert result.summary["missing_values"] == {"age": 1}
    violations = result.summary["metadata"]["violations"]
    assert {(entry["row"], entry["column"], entry["value"]) for entry in violations if entry["row"] > 1} == {
        (3, "frontal, lateral", "1, 1"),
        (5, "frontal, lateral, oblique", "all 0"),
    }
    assert result.violations.to_dict(orient="records") == violations
    kinds = {entry["message"]: entry["rows"] for entry in result.summary["metadata"]["kinds"]}
    assert kinds["the table has no such column."] == 37 - 13
    assert sum(entry["row"] == 1 for entry in violations) == 37 - 13


def test_findings_name_what_is_wrong_gravest_first(result: AuditResult) -> None:
    found = result.summary["findings"]
    severities = [finding["severity"] for finding in found]
    assert severities == sorted(severities, key=["problem", "caution", "note"].index)
    texts = [finding["text"] for finding in found]
    for expected in (
        "1 image of the table without a file.",
        "1 image file that cannot be decoded.",
        "1 annotation file that cannot be read.",
        "1 group of identical files with different labels: at least one label is wrong.",
        "1 image with colour: an overlay, a screenshot or a photograph.",
        "1 tumour image without an annotated lesion.",
    ):
        assert expected in texts


def base_summary(**changes: Any) -> dict[str, Any]:
    empty: dict[str, Any] = {
        "classes": {"Normal": 100, "Malignant": 50},
        "annotated": 0,
        "tables": {},
        "files": {
            "missing": [],
            "unreadable": [],
            "unlisted": [],
            "coloured": [],
            "framed": [],
            "blank": [],
            "kinds": {},
        },
        "annotations": {},
        "duplicates": {"exact_groups": [], "label_conflicts": [], "near_pairs": []},
        "metadata": {"warnings": 0},
        "class_from_statistics": {},
        "cases": {"cases": 75},
        "leakage": None,
    }
    keys: tuple[str, ...] = (
        "unreadable",
        "normals_with_annotation",
        "tumours_without_annotation",
        "without_image",
        "ignored_shapes",
    )
    keys += ("turned", "other_size", "outline_and_box_counts_differ")
    empty["annotations"] = {key: [] for key in keys}
    return empty | changes


def test_a_clean_data_set_has_no_findings() -> None:
    assert findings(base_summary()) == []


def test_class_shares_that_depend_on_the_source_are_found() -> None:
    table = {
        "x": {"Normal": 90, "Malignant": 10},
        "y": {"Normal": 10, "Malignant": 40},
        "tiny": {"Normal": 0, "Malignant": 2},
    }
    (finding,) = findings(base_summary(tables={"source": table}))
    assert finding["text"].startswith("The share of Malignant depends on the source: from 10.0% (x) to 80.0% (y).")
    even = {"x": {"Normal": 60, "Malignant": 30}, "y": {"Normal": 40, "Malignant": 20}}
    assert findings(base_summary(tables={"source": even})) == []


def test_a_site_that_only_tumours_have_is_found() -> None:
    table = {"femur": {"Normal": 0, "Malignant": 50}, "none given": {"Normal": 100, "Malignant": 0}}
    (finding,) = findings(base_summary(tables={"site": table}))
    assert "for every tumour and for no normal image" in finding["text"]
    table["none given"] = {"Normal": 99, "Malignant": 1}
    assert findings(base_summary(tables={"site": table})) == []


def test_leakage_is_found_by_split_and_part() -> None:
    share = {"n": 10, "shared": 4, "shared_fraction": 0.4}
    clean = {"n": 10, "shared": 0, "shared_fraction": 0.0}
    leakage = {
        "stratified": {"evaluation": {"test": {"per_class": {}, "tumours": share, "overall": clean}}},
        "case": {"evaluation": {"test": {"per_class": {}, "overall": clean}}},
    }
    assert findings(base_summary(leakage=leakage)) == [
        {
            "severity": "problem",
            "text": "Split stratified: 40.0% of the test tumour images have another image of their case in train.",
        }
    ]


def test_figures_are_drawn_where_there_is_data(result: AuditResult) -> None:
    figures = audit_figures(result)
    assert [figure.name for figure in figures] == [
        "classes_by_origin",
        "age_by_class",
        "image_size",
        "statistics_by_origin",
        "lesion_area",
    ]
    assert all("n = " in figure.caption for figure in figures)
    assert all(figure.png.startswith(b"\x89PNG") and figure.alt and figure.caption for figure in figures)
    assert [figure.png for figure in audit_figures(result)] == [figure.png for figure in figures]
    unknown = dict.fromkeys(("lesion_area", "width", "height", "annotated_width", "annotated_height"), np.nan)
    bare = AuditResult(
        result.summary | {"tables": {}, "origin": None},
        result.images[["image_id", "label", "kind"]].assign(**unknown),
        result.violations,
    )
    assert audit_figures(bare) == []


def test_own_data_without_any_btxrd_column(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    save(tmp_path / "images", "x.png", 1, (40, 40))
    (tmp_path / "dataset.csv").write_text("image_id,label\nx.png,fracture\n", encoding="utf-8")
    summary = audit(tmp_path).summary
    assert summary["classes"] == {"fracture": 1}
    assert summary["tables"] == {}
    assert summary["annotations"]["tumours_without_annotation"] == []
    with pytest.raises(DataError, match="image folder"):
        audit(tmp_path, images_dir="absent")


def test_gaps_and_quantiles_by_hand() -> None:
    frame = pd.DataFrame({"label": ["B", "B", "A"], "x": [1.0, 3.0, np.nan], "y": ["", "u", "v"]})
    assert missing_values(frame) == {"x": 1, "y": 1}
    quantiles = quantiles_by_class(frame, "x")
    assert quantiles["B"]["median"] == 2
    assert quantiles["A"]["n"] == 0
    assert np.isnan(quantiles["A"]["median"])


def test_a_turned_annotation_is_found(tmp_path: Path) -> None:
    """The file is 60 wide and 40 high; one annotation says so, the other was drawn on a copy turned by a quarter."""
    for name in ("images", "Annotations"):
        (tmp_path / name).mkdir()
    for i, (width, height) in enumerate([(60, 40), (40, 60)]):
        save(tmp_path / "images", f"{i}.png", i, (60, 40))
        square = {"label": "x", "shape_type": "polygon", "points": [[1, 1], [9, 1], [9, 9]]}
        drawn = {"imageWidth": width, "imageHeight": height, "shapes": [square]}
        (tmp_path / "Annotations" / f"{i}.json").write_text(json.dumps(drawn), encoding="utf-8")
    (tmp_path / "dataset.csv").write_text("image_id,label\n0.png,x\n1.png,y\n", encoding="utf-8")
    summary = audit(tmp_path).summary
    assert summary["annotations"]["turned"] == summary["annotations"]["other_size"] == ["1.png"]
    text = "1 annotation whose height and width are exchanged: drawn on a turned copy."
    assert {"severity": "problem", "text": text} in summary["findings"]


def test_a_data_set_of_which_nothing_can_be_decoded_is_audited(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    for name in ("a.png", "b.png"):
        (tmp_path / "images" / name).write_text("no picture", encoding="utf-8")
    (tmp_path / "dataset.csv").write_text("image_id,label\na.png,x\nb.png,y\n", encoding="utf-8")
    result = audit(tmp_path)
    assert [entry["image_id"] for entry in result.summary["files"]["unreadable"]] == ["a.png", "b.png"]
    assert result.summary["statistics"] == result.summary["class_from_statistics"] == {}
    assert result.summary["cases"] is None
    assert audit_figures(result) == []
    texts = [finding["text"] for finding in result.summary["findings"]]
    assert "2 image files that cannot be decoded." in texts
    assert any("not known which images are of one case" in text for text in texts)


def test_what_tells_the_class_is_found() -> None:
    entries = {
        "width": {"Malignant": {"auc": 0.2, "n": 150}},
        "mean": {"Malignant": {"auc": 0.75, "n": 150}, "Normal": {"auc": 0.6, "n": 150}},
    }
    (finding,) = findings(base_summary(class_from_statistics=entries))
    assert finding["text"].startswith(
        "Among 150 images the width alone tells Malignant from the others with an AUC of 0.8"
    )


@pytest.mark.real_data
@pytest.mark.slow
def test_btxrd(btxrd256: Path) -> None:
    options = load_config(None, [f"data.root={btxrd256}"])
    data = load_radiographs(options.data)
    leakage = leakage_of_splits(data, options)
    summary = audit(btxrd256, cases=data.frame[["image_id", "case_id", "source"]], leakage=leakage).summary
    assert (summary["images"], summary["annotated"]) == (3746, 1867)
    assert summary["classes"] == {"Normal": 1879, "Benign": 1525, "Malignant": 342}
    assert len(summary["duplicates"]["exact_groups"]) == 21
    assert [entry["images"] for entry in summary["duplicates"]["label_conflicts"]] == [
        ["IMG000591.jpeg", "IMG003456.jpeg"],
        ["IMG000707.jpeg", "IMG003346.jpeg"],
    ]
    assert len(summary["duplicates"]["near_pairs"]) == 20
    assert summary["tables"]["center"]["3"] == {"Normal": 27, "Benign": 201, "Malignant": 31}
    assert summary["tables"]["gender"]["M"]["Malignant"] + summary["tables"]["gender"]["F"]["Malignant"] == 342
    area, area_bands = (summary["annotations"][key] for key in ("lesion_area", "lesion_area_bands"))
    assert area["all"]["median"] == pytest.approx(0.0092, abs=5e-4)
    assert area["Benign"]["median"] == pytest.approx(0.0053, abs=5e-4)
    assert area["Malignant"]["median"] == pytest.approx(0.031, abs=1e-3)
    assert sum(sum(counts.values()) for counts in area_bands.values()) == 1867
    assert summary["files"]["unreadable"] == []
    kinds = {entry["message"]: entry["rows"] for entry in summary["metadata"]["kinds"]}
    assert kinds["the tumour has more than one site."] == 189
    assert summary["metadata"]["warnings"] == 189 + 1 + 2 + 1 + 1 + 1
    assert summary["cases"]["cases"] == 1403
    # FACTS section 4: hospital g exports small pictures, and size alone tells malignant from benign
    assert summary["statistics"]["hospital_g"]["annotated_width"] == 580
    assert summary["statistics"]["hospital_b"]["annotated_width"] == 1888
    assert summary["class_from_statistics"]["annotated_width"]["Malignant"]["auc"] == pytest.approx(0.25, abs=0.02)
    published = summary["leakage"]["published"]["evaluation"]["val"]
    assert published["tumours"]["shared_fraction"] == pytest.approx(0.679, abs=5e-4)
    assert summary["leakage"]["center"]["evaluation"]["test"]["overall"]["shared"] == 0
    assert summary["leakage"]["case"]["evaluation"]["test"]["overall"]["shared"] == 0
    assert summary["leakage"]["stratified"]["evaluation"]["test"]["tumours"]["shared_fraction"] > 0.5
