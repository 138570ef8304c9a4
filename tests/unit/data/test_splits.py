from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from osteolens.config import Config, load_config
from osteolens.data.manifest import COLUMNS, Manifest
from osteolens.data.radiographs import RadiographSet, load_radiographs
from osteolens.data.splits import assign_groups, joined_groups, make_split
from osteolens.errors import DataError
from osteolens.randomness import named_generator

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


def test_joined_groups_follow_chains_of_shared_keys() -> None:
    cases = pd.Series(["d", "c", "c", "e", "f"])
    files = pd.Series(["1", "2", "3", "3", "4"])
    assert joined_groups(cases, files).tolist() == ["d", "c", "c", "c", "f"]  # e shares file 3 with the second c
    assert joined_groups(cases[::-1], files[::-1]).tolist() == ["f", "c", "c", "c", "d"]


def test_a_rare_class_reaches_every_part() -> None:
    labels = np.array(["a"] * 100 + ["b"] * 3)
    parts = assign_groups(labels, np.arange(103).astype(str), FRACTIONS, named_generator(0, "test"))
    assert sorted(parts[100:]) == ["test", "train", "val"]


def test_single_images_level_out_what_a_large_group_brings() -> None:
    groups = np.array(["large"] * 10 + [f"single {n}" for n in range(40)])
    for seed in range(5):
        parts = assign_groups(np.array(["a"] * 50), groups, FRACTIONS, named_generator(seed, "test"))
        for part, share in FRACTIONS.items():
            assert abs((parts == part).sum() - 50 * share) <= 1


def test_groups_of_mixed_classes_and_sizes_come_close_to_the_target() -> None:
    generator = np.random.default_rng(0)
    groups = np.repeat(np.arange(400), generator.integers(1, 12, 400)).astype(str)
    labels = generator.choice(["Normal", "Benign", "Malignant"], len(groups), p=[0.5, 0.4, 0.1])
    parts = assign_groups(labels, groups, FRACTIONS, named_generator(0, "test"))
    assert set(pd.Series(parts).groupby(groups).nunique()) == {1}
    for name in ("Normal", "Benign", "Malignant"):
        for part, share in FRACTIONS.items():
            assert abs((parts[labels == name] == part).mean() - share) < 0.02
