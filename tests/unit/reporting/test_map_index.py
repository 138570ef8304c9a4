from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from damage import damaged
from html_page import Page

from osteolens.errors import DataError
from osteolens.reporting.map_index import write_map_index
from osteolens.storage import RunFolder, read_json, write_json, write_table

SAME = {"predictions_sha256": "ab" * 32}
IDS = ("first.jpeg", "<second>.jpeg", "third.jpeg")


def image(name: str, truth: str, answer: str, share: float | None, **more: Any) -> dict[str, Any]:
    nothing = {"class": None, "probability": None, "zero": None}
    panels: list[dict[str, Any]] = [{"file": f"pictures/{name[0]}.jpg", "shows": "radiograph", **nothing}]
    for number, shown in enumerate(dict.fromkeys([answer, truth])):
        file = f"pictures/{name[0]}_{number}.jpg"
        zero = shown == "Malignant" != answer
        probability = 0.625 if shown == answer else 0.125
        more_of_it = {"class": shown, "probability": probability, "zero": zero}
        panels.append({"file": file, "shows": f"evidence for {shown}", **more_of_it})
    facts = {"image_id": name, "truth": truth, "answer": answer, "case_id": "case-7", "center": "3", "galleries": []}
    facts |= {"probability": 0.625, "truth_probability": panels[-1]["probability"]}
    facts |= {"source": "", "subtype": "", "annotated": share is not None, "area_share": share}
    return {**facts, "panels": panels, "width": 60, "height": 40, "outline": "", **more}


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    run = RunFolder(tmp_path / "trial" / "case")
    images = [
        image(IDS[0], "Benign", "Benign", 0.02, subtype="cyst+fracture", outline="M1,1 9,1 9,9Z", source="north"),
        image(IDS[1], "Malignant", "Normal", 0.15, galleries=[["Normal", "FP"], ["Malignant", "FN"]], source="south"),
        image(IDS[2], "Normal", "Normal", None, galleries=[["Normal", "TP"]], center=""),
    ]
    record = {**SAME, "classes": ["Normal", "Benign", "Malignant"], "images": images}
    write_json(run.explanation / "map_pictures.json", record)
    write_json(run.explanation / "annotation_report.json", {**SAME, "n": 2, "cases": 1})
    galleries = {"galleries": {"Normal": {"file": "gallery_Normal.png", "groups": {}}}, "choice": "Not by looks."}
    write_json(run.explanation / "gallery_index.json", galleries)
    scores = {
        "image_id": IDS[:2],
        "size_band": ["1-3%", "10% and over"],
        "iou_0.5": [0.21, 0.0],
        "ceiling": [0.64, 0.9],
        "pointing_game": [1.0, 0.0],
        "energy": [0.125, None],
        "energy_ratio": [6.25, None],
    }
    write_table(run.explanation / "annotation_scores.csv", pd.DataFrame(scores))
    return run


@pytest.fixture
def page(run: RunFolder) -> Page:
    write_map_index(run)
    return Page(run.explanation / "index.html")


def cards(page: Page) -> list[dict[str, str | None]]:
    return [attributes for attributes in page.all("li") if attributes.get("class") == "card"]


def test_every_image_is_listed_with_what_is_known_of_it(page: Page) -> None:
    assert page.headings[0] == (1, "Maps: trial, split case")
    for name, verdict in zip(IDS, ("right", "wrong", "right"), strict=True):
        assert f"{name} {verdict} Radiograph" in page.text
    assert "All 2 annotated images that the run was tested on (1 cases) and 1 others" in page.text
    assert (
        "Benign, rightly answered Benign, probability 0.625. Case case-7: north, center 3, cyst+fracture" in page.text
    )
    assert "Malignant, wrongly answered Normal, probability 0.625 (of Malignant 0.125)." in page.text
    assert (
        "lesion 2.00% of the network's input, padding included. Energy in the lesion 12.5%, 6.2 times its share of the "
        "input"
    ) in page.text
    assert "IoU 0.21 at 0.5 of the maximum (ceiling 0.64)" in page.text
    assert "No evidence for the true class: its map is 0 everywhere." in page.text
    assert "Evidence for Benign: probability 0.625" in page.text
    assert "Evidence for Normal: probability 0.625; locates nothing" in page.text
    assert "Evidence for Malignant: probability 0.125; the map is 0 everywhere" in page.text
    assert "Normal means that no lesion is there: its maps locate nothing" in page.text
    assert "Shown in the gallery of Normal, FP; Malignant, FN." in page.text
    assert "no lesion outlined. Shown in the gallery of Normal, TP." in page.text
    assert "Not for clinical use" in page.text


def test_filters_offer_what_tells_images_apart(page: Page) -> None:
    first, second, third = cards(page)
    assert (first["data-verdict"], second["data-verdict"]) == ("right", "wrong")
    assert (first["data-kind"], second["data-kind"]) == ("TP Benign", "FP Normal|FN Malignant")
    assert (first["data-subtype"], third["data-subtype"]) == ("cyst|fracture", "not known")
    assert [card["data-band"] for card in (first, second, third)] == ["1-3%", "10% and over", "not known"]
    assert [card["data-area"] for card in (first, second, third)] == ["0.02000000", "0.15000000", ""]
    assert [card["data-ratio"] for card in (first, second, third)] == ["6.25", "", ""]
    assert [card["data-center"] for card in (first, second, third)] == ["3", "3", "not known"]
    assert first["data-zero"] != second["data-zero"]
    offered = {str(select["data-key"]) for select in page.all("select") if "data-key" in select}
    assert offered == {"truth", "verdict", "kind", "source", "center", "subtype", "band", "zero", "gallery"}
    values = [str(option["value"]) for option in page.all("option")]
    for key in offered:
        for card in (first, second, third):
            assert set(str(card[f"data-{key}"]).split("|")) <= set(values)
    bands = [value for value in values if "%" in value]
    assert bands == ["1-3%", "10% and over"]  # by size, not by letter


def test_a_question_with_one_answer_is_not_asked(run: RunFolder) -> None:
    path = run.explanation / "map_pictures.json"
    record = read_json(path)
    write_json(path, {**record, "images": [{**one, "source": "north"} for one in record["images"]]})
    write_map_index(run)
    selects = Page(run.explanation / "index.html").all("select")
    assert "source" not in {select.get("data-key") for select in selects}


def test_pictures_are_described_and_outlined(page: Page) -> None:
    pictures = [picture for picture in page.all("img") if not str(picture["src"]).startswith("data:")]
    assert [picture["src"] for picture in pictures] == [
        *("pictures/f.jpg", "pictures/f_0.jpg", "pictures/%3C.jpg", "pictures/%3C_0.jpg"),
        *("pictures/%3C_1.jpg", "pictures/t.jpg", "pictures/t_0.jpg"),
    ]
    assert pictures[1]["alt"] == "Evidence for Benign: probability 0.625, first.jpeg, lesion outlined"
    assert all((picture["width"], picture["height"]) == ("60", "40") for picture in pictures)
    paths = [path["d"] for path in page.all("path")]
    assert paths == ["M1,1 9,1 9,9Z"]
    assert [use["href"] for use in page.all("use")] == ["#outline-1"] * 4  # rim and line in both pictures


def test_the_page_loads_nothing_from_a_network_and_can_be_read_without_scripts(page: Page, run: RunFolder) -> None:
    assert not re.search(r"url\(|@import|https?://", page.raw)
    assert not {tag for tag, _ in page.elements} & {"link", "iframe", "object", "embed"}
    assert all("src" not in script for script in page.all("script"))
    form, status = page.all("form")[0], [p for p in page.all("p") if p.get("role") == "status"]
    assert "hidden" in form  # a script shows it
    assert len(status) == 1
    assert not any("hidden" in card for card in cards(page))
    anchors = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(set(anchors)) == len(anchors)
    links = [str(link["href"]) for link in page.all("a")]
    assert {link[1:] for link in links if link.startswith("#")} <= set(anchors)
    assert [link for link in links if not link.startswith("#")] == ["gallery_Normal.png", "annotation_comparison.png"]
    levels = [level for level, _ in page.headings]
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    assert "<second>" not in page.raw
    run.report.write_text("report", encoding="utf-8")
    write_map_index(run)
    assert "../report.html" in [link["href"] for link in Page(run.explanation / "index.html").all("a")]


def test_the_same_files_give_the_same_page(page: Page, run: RunFolder) -> None:
    write_map_index(run)
    assert (run.explanation / "index.html").read_text(encoding="utf-8") == page.raw


@pytest.mark.parametrize("name", ["map_pictures.json", "annotation_scores.csv", "annotation_report.json"])
def test_a_missing_file_is_named(run: RunFolder, name: str) -> None:
    (run.explanation / name).unlink()
    with pytest.raises(DataError, match=rf"{name} is missing; osteolens gradcam makes it"):
        write_map_index(run)


def test_files_of_different_answers_are_refused(run: RunFolder) -> None:
    path = run.explanation / "annotation_report.json"
    write_json(path, {**read_json(path), "predictions_sha256": "cd" * 32})
    with pytest.raises(DataError, match="not of the answers"):
        write_map_index(run)


def test_scores_of_other_images_are_refused(run: RunFolder) -> None:
    path = run.explanation / "annotation_scores.csv"
    write_table(path, pd.read_csv(path).iloc[:1])
    with pytest.raises(DataError, match="are of different images"):
        write_map_index(run)


def test_a_damaged_record_is_refused(run: RunFolder) -> None:
    write_json(run.explanation / "map_pictures.json", SAME)
    with pytest.raises(DataError, match=r"map_pictures\.json lacks classes, images\. Run osteolens gradcam again\."):
        write_map_index(run)


def test_of_many_faults_the_first_are_named(run: RunFolder) -> None:
    """Three images lack 15 of their 16 keys each, and eight places are named."""
    path = run.explanation / "map_pictures.json"
    write_json(path, {**read_json(path), "images": [{"image_id": "bare"}] * 3})
    with pytest.raises(DataError, match=r"lacks images\.0\.truth, [^;]{,200} and 37 others\. Run osteolens"):
        write_map_index(run)


@pytest.mark.parametrize(
    ("file", "place", "value", "told"),
    [
        ("map_pictures", ("images", 1, "panels", 0, "zero"), None, "lacks images.1.panels.0.zero"),
        ("map_pictures", ("images", 0, "outline"), 7, "is damaged at images.0.outline: "),
        ("map_pictures", ("images", 1, "galleries", 0), ["Normal"], "is damaged at images.1.galleries.0: "),
        ("map_pictures", ("images", 2, "annotated"), True, "at images.2: is annotated, but area_share is not there"),
        ("annotation_report", ("n",), "2", "is damaged at n: "),
        ("gallery_index", ("choice",), None, "lacks choice"),
        ("gallery_index", ("galleries", "Normal", "file"), None, "lacks galleries.Normal.file"),
    ],
)
def test_damage_within_a_record_is_told_with_its_place(
    run: RunFolder, file: str, place: tuple[str | int, ...], value: object, told: str
) -> None:
    damaged(run.explanation / f"{file}.json", place, value)
    with pytest.raises(DataError, match=rf"{file}\.json .*{re.escape(told)}.*Run osteolens gradcam again\."):
        write_map_index(run)


def test_scores_without_a_column_are_refused(run: RunFolder) -> None:
    path = run.explanation / "annotation_scores.csv"
    write_table(path, pd.read_csv(path).drop(columns=["size_band", "ceiling"]))
    with pytest.raises(DataError, match=r"annotation_scores\.csv lacks size_band, ceiling\. Run osteolens gradcam"):
        write_map_index(run)
