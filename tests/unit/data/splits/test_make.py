from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from osteolens.config import Config, load_config
from osteolens.data.manifest import COLUMNS, Manifest
from osteolens.data.radiographs import RadiographSet, load_radiographs
from osteolens.data.splits import expand_schemes, make_split
from osteolens.errors import ConfigError, DataError

DataRoot = Callable[..., Path]
Rows = list[dict[str, str]]

FRACTIONS = {"train": 0.7, "val": 0.15, "test": 0.15}


def loaded(root: Path, *overrides: str) -> tuple[RadiographSet, Config]:
    config = load_config(None, [f"data.root={root}", *overrides])
    return load_radiographs(config.data), config


def split(root: Path, scheme: str, *overrides: str) -> Manifest:
    data, config = loaded(root, *overrides)
    return make_split(data, scheme, config)


def part_of(manifest: Manifest) -> dict[str, str]:
    return dict(zip(manifest.frame["image_id"], manifest.frame["split"], strict=True))


@pytest.fixture
def rows() -> Rows:
    """120 images: 60 Normal, 40 Benign, 20 Malignant; three to a case; center 2 has the last 30."""
    labels = ["Normal"] * 60 + ["Benign"] * 40 + ["Malignant"] * 20
    return [
        {"image_id": f"i{n:03d}.png", "label": label, "case_id": f"c{n // 3:02d}", "center": "2" if n % 12 > 8 else "1"}
        for n, label in enumerate(labels)
    ]


def counts(manifest: Manifest) -> dict[tuple[str, str], int]:
    table = manifest.frame.groupby(["label", "split"]).size()
    return {(str(label), str(part)): int(n) for (label, part), n in table.items()}  # type: ignore[misc]


def test_single_images_are_divided_to_the_whole_number(data_root: DataRoot, rows: Rows) -> None:
    assert counts(split(data_root(rows), "stratified")) == {
        ("Normal", "train"): 42,
        ("Normal", "val"): 9,
        ("Normal", "test"): 9,
        ("Benign", "train"): 28,
        ("Benign", "val"): 6,
        ("Benign", "test"): 6,
        ("Malignant", "train"): 14,
        ("Malignant", "val"): 3,
        ("Malignant", "test"): 3,
    }


def test_several_seeds_can_share_one_division(data_root: DataRoot, rows: Rows) -> None:
    root = data_root(rows)
    shared = split(root, "case", "seed=7", "data.split_seed=42")
    assert part_of(shared) == part_of(split(root, "case"))
    assert part_of(shared) != part_of(split(root, "case", "seed=7"))


def test_fractions_are_those_of_the_configuration(data_root: DataRoot, rows: Rows) -> None:
    made = split(data_root(rows), "stratified", "data.split_fractions=[0.5, 0.25, 0.25]")
    assert counts(made)["Normal", "train"] == 30
    assert counts(made)["Malignant", "test"] == 5


def test_a_manifest_holds_everything_that_a_check_needs(data_root: DataRoot, rows: Rows) -> None:
    frame = split(data_root(rows), "case", "seed=7").frame
    assert list(frame) == list(COLUMNS)
    assert frame["image_id"].tolist() == [row["image_id"] for row in rows]
    assert frame["case_id"].tolist() == [row["case_id"] for row in rows]
    assert frame["center"].tolist() == [row["center"] for row in rows]
    assert set(frame["scheme"]) == {"case"}
    assert set(frame["seed"]) == {"7"}
    assert set(frame["source"]) == {""}


def test_a_case_is_never_divided_by_the_case_scheme(data_root: DataRoot, rows: Rows) -> None:
    root = data_root(rows)
    by_case, by_image = (split(root, scheme).frame.groupby("case_id")["split"] for scheme in ("case", "stratified"))
    assert set(by_case.nunique()) == {1}
    assert by_image.nunique().max() > 1
    for (label, part), n in counts(split(root, "case")).items():
        share = {"Normal": 60, "Benign": 40, "Malignant": 20}[label] * FRACTIONS[part]
        assert abs(n - share) < 3, (label, part)  # less than one case


@pytest.mark.parametrize("scheme", ["stratified", "case", "center"])
def test_identical_files_stay_together(data_root: DataRoot, rows: Rows, scheme: str) -> None:
    for n in range(0, 48, 2):  # the same file under two names in different cases of one center
        if rows[n]["center"] == rows[n + 48]["center"]:
            rows[n]["content"] = rows[n + 48]["content"] = f"shared {n}"
    part = part_of(split(data_root(rows), scheme))
    pairs = [(f"i{n:03d}.png", f"i{n + 48:03d}.png") for n in range(0, 48, 2) if "content" in rows[n]]
    assert len(pairs) >= 15
    assert all(part[one] == part[other] for one, other in pairs)


def test_another_seed_divides_otherwise_and_the_same_seed_the_same(data_root: DataRoot, rows: Rows) -> None:
    root = data_root(rows)
    for scheme in ("stratified", "case", "center"):
        one, same, other = (part_of(split(root, scheme, f"seed={seed}")) for seed in (1, 1, 2))
        assert one == same
        assert one != other


def test_the_order_of_the_rows_does_not_matter(data_root: DataRoot, rows: Rows) -> None:
    rows[0]["content"] = rows[70]["content"] = "the same picture"
    root, shuffled = data_root(rows), data_root([rows[n] for n in np.random.default_rng(0).permutation(120)], None, "b")
    for scheme in ("stratified", "case", "center"):
        assert part_of(split(root, scheme)) == part_of(split(shuffled, scheme))


def test_the_center_scheme_tests_on_all_other_centers(data_root: DataRoot, rows: Rows) -> None:
    frame = split(data_root(rows), "center").frame
    assert (frame["center"] == "2").sum() == 30
    assert (frame["split"] == "test").equals(frame["center"] == "2")
    inside = frame[frame["center"] == "1"]
    assert set(inside.groupby("case_id")["split"].nunique()) == {1}
    for label, n in {"Normal": 45, "Benign": 30, "Malignant": 15}.items():
        validated = (inside["split"] == "val") & (inside["label"] == label)
        assert abs(validated.sum() - 0.15 * n) < 3, label  # less than one case


@pytest.mark.parametrize("centers", [None, "1"])
def test_the_center_scheme_needs_two_centers(data_root: DataRoot, rows: Rows, centers: str | None) -> None:
    changed = [{key: value for key, value in row.items() if key != "center"} for row in rows]
    if centers:
        changed = [{**row, "center": centers} for row in changed]
    with pytest.raises(DataError, match="at least two centers"):
        split(data_root(changed), "center")


def test_the_published_split_is_refused_for_other_data(data_root: DataRoot, rows: Rows) -> None:
    with pytest.raises(DataError, match="names the images of BTXRD"):
        split(data_root(rows), "published")
    wrong_label = [{"image_id": "IMG000001.jpeg", "label": "Normal"}]
    with pytest.raises(DataError, match="names the images of BTXRD"):
        split(data_root(wrong_label, None, "b"), "published")


def test_a_split_may_come_from_a_file(data_root: DataRoot, rows: Rows) -> None:
    root = data_root(rows)
    (root / "mine.csv").write_text("image_id,split\ni119.jpeg,train\ni000,test\ni060.png,val\n")
    made = split(root, "mine", "data.split_files.mine=mine.csv")
    assert part_of(made) == {"i000.png": "test", "i060.png": "val", "i119.png": "train"}
    assert made.frame["label"].tolist() == ["Normal", "Benign", "Malignant"]
    assert set(made.frame["scheme"]) == {"mine"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("image_id,part\ni000,train\n", r"lacks the column.* split"),
        ("image_id,split\ni000,train\nzebra,test\n", "1 image.* that the data set lacks, for example zebra"),
        ("image_id,split\ni000,train\ni000.png,test\n", "more than once"),
        ("image_id,split\ni000,test\n", "no train part"),
        ("image_id,split\ni000,dev\n", "'dev'"),
    ],
)
def test_a_split_file_that_does_not_fit_is_told(data_root: DataRoot, rows: Rows, text: str, words: str) -> None:
    root = data_root(rows)
    (root / "mine.csv").write_text(text)
    with pytest.raises(DataError, match=words):
        split(root, "mine", "data.split_files.mine=mine.csv")


def test_every_case_is_tested_on_once_over_the_folds(data_root: DataRoot, rows: Rows) -> None:
    root = data_root(rows)
    frames = [split(root, f"case-fold-{number}", "data.folds=4").frame for number in range(1, 5)]
    tested = pd.concat([frame[frame["split"] == "test"] for frame in frames])
    assert sorted(tested["image_id"]) == sorted(row["image_id"] for row in rows)
    for frame in frames:
        assert len(frame) == 120
        assert set(frame.groupby("case_id")["split"].nunique()) == {1}
        assert (frame["split"] == "test").sum() in range(27, 34)  # 30, give or take a case
        rest = frame[frame["split"] != "test"]
        for _, of_class in rest.groupby("label"):
            assert abs((of_class["split"] == "val").sum() - 0.15 * len(of_class)) < 3  # less than one case
        assert set(frame.loc[frame["split"] == "test", "label"]) == {"Normal", "Benign", "Malignant"}


def test_more_folds_than_cases_are_refused(data_root: DataRoot, rows: Rows) -> None:
    root = data_root(rows[:12])  # four cases
    assert len(split(root, "case-fold-1", "data.folds=3").frame) == 12
    with pytest.raises(DataError, match=r"4 folds need more than 4 cases, and there are 4\. Lower data\.folds"):
        split(root, "case-fold-1", "data.folds=4")


@pytest.fixture
def sources(rows: Rows) -> Rows:
    """The cases go round three sources; ``Unknown`` has normals only."""
    names = ("hospital_g", "MedPix", "Unknown")
    chosen = [names[n // 3 % 3] if row["label"] == "Normal" else names[n // 3 % 2] for n, row in enumerate(rows)]
    return [{**row, "source": source} for row, source in zip(rows, chosen, strict=True)]


def test_the_source_scheme_tests_on_exactly_one_source(data_root: DataRoot, sources: Rows) -> None:
    frame = split(data_root(sources), "source-g").frame
    assert len(frame) == 120
    assert (frame["split"] == "test").equals(frame["source"] == "hospital_g")
    assert set(frame["scheme"]) == {"source-g"}
    rest = frame[frame["split"] != "test"]
    assert set(rest.groupby("case_id")["split"].nunique()) == {1}
    for _, of_class in rest.groupby("label"):
        assert abs((of_class["split"] == "val").sum() - 0.15 * len(of_class)) < 3  # less than one case


def test_a_group_that_reaches_into_the_tested_source_is_in_no_part(data_root: DataRoot, sources: Rows) -> None:
    inside = next(row for row in sources if row["source"] == "hospital_g")
    outside = [row for row in sources if row["source"] == "MedPix" and row["case_id"] == "c01"]
    assert len(outside) == 3
    inside["content"] = outside[0]["content"] = "one picture under two names"
    part = part_of(split(data_root(sources), "source-g"))
    assert part[inside["image_id"]] == "test"
    assert len(part) == 117
    assert not {row["image_id"] for row in outside} & set(part)  # the copy, and the rest of its case


def test_families_are_replaced_by_their_members(data_root: DataRoot, sources: Rows) -> None:
    data, config = loaded(data_root(sources), "data.folds=3")
    assert expand_schemes(["case", "case-kfold", "source", "case-fold-2", "case"], data, config) == [
        "case",
        "case-fold-1",
        "case-fold-2",
        "case-fold-3",
        "source-medpix",  # no source-unknown: a source of one class tells nothing apart
        "source-g",
    ]
    (config.data.root / "mine.csv").write_text("image_id,split\ni000,train\n")
    own = config.with_overrides("data.split_files.source=mine.csv")
    assert expand_schemes(["source"], data, own) == ["source"]


def test_a_source_of_one_class_can_be_asked_for(data_root: DataRoot, sources: Rows) -> None:
    frame = split(data_root(sources), "source-unknown").frame
    assert set(frame.loc[frame["split"] == "test", "label"]) == {"Normal"}


@pytest.mark.parametrize(
    ("scheme", "words"),
    [
        ("case-kfold", "stands for several splits: case-fold-1, case-fold-2"),
        ("case-fold-9", "no fold 9: data.folds is 5, so folds are 1 to 5"),
        ("source-x", "no source x in this data set; its sources give the schemes source-medpix, source-unknown, sou"),
        ("nonsense", "no split scheme nonsense. Known are stratified"),
    ],
)
def test_a_scheme_that_cannot_be_made_is_told(data_root: DataRoot, sources: Rows, scheme: str, words: str) -> None:
    data, config = loaded(data_root(sources))
    with pytest.raises(DataError, match=words):
        make_split(data, scheme, config)


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (("", ""), "at least two sources"),
        (("a", "a"), "at least two sources"),
        (("Site 1", "site-1"), "'site-1' has no short name of its own"),
        (("a", "??"), "no short name of its own"),
    ],
)
def test_sources_that_cannot_be_told_apart_are_refused(
    data_root: DataRoot, rows: Rows, names: tuple[str, str], words: str
) -> None:
    data, config = loaded(data_root([{**row, "source": names[n % 2]} for n, row in enumerate(rows)]))
    with pytest.raises(DataError, match=words):
        expand_schemes(["source"], data, config)


def test_no_source_of_two_classes_is_no_source_scheme(data_root: DataRoot, rows: Rows) -> None:
    data, config = loaded(data_root([{**row, "source": row["label"]} for row in rows]))
    with pytest.raises(DataError, match="no source has images of two classes"):
        expand_schemes(["source"], data, config)


@pytest.mark.parametrize("scheme", ["case-fold-6", "case-fold-0", "case-fold-", "sources", "kfold"])
def test_the_configuration_knows_the_members(scheme: str) -> None:
    with pytest.raises(ConfigError, match=f"unknown split scheme.* {scheme}; .*case-fold-1 to case-fold-5 and source-"):
        load_config(None, [f"training.split_strategy={scheme}"])
    load_config(None, ["data.split_schemes=[case-fold-5, case-kfold, source, source-g]"])


@pytest.mark.parametrize(("column", "scheme"), [("center", "center"), ("source", "source-b")])
def test_images_of_unknown_origin_get_no_part(
    data_root: DataRoot, rows: Rows, column: str, scheme: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Empty cells are the most frequent value, and neither a center to train on nor one to test on."""
    known = ["a", "a", "b"] + [""] * 4
    origin = {row["image_id"]: known[number // 3 % 7] for number, row in enumerate(rows)}  # a case is of one origin
    root = data_root([{**row, column: origin[row["image_id"]]} for row in rows])
    with caplog.at_level("WARNING", "osteolens"):
        part = part_of(split(root, scheme))
    assert set(part) == {name for name, value in origin.items() if value}
    assert {name for name, found in part.items() if found == "test"} == {
        n for n, value in origin.items() if value == "b"
    }
    assert f"{list(origin.values()).count('')} of 120 images have no {column}" in caplog.text


def test_one_center_and_empty_cells_are_no_two_centers(data_root: DataRoot, rows: Rows) -> None:
    root = data_root([{**row, "center": "1" if number % 2 else ""} for number, row in enumerate(rows)])
    with pytest.raises(DataError, match="at least two centers"):
        split(root, "center")
