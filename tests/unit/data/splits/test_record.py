from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from osteolens.config import Config, load_config
from osteolens.data.manifest import read_manifest
from osteolens.data.radiographs import load_radiographs
from osteolens.data.splits import check_split, class_counts, make_split, warnings_on, write_split
from osteolens.errors import DataError

DataRoot = Callable[..., Path]
Rows = list[dict[str, str]]


@pytest.fixture
def rows() -> Rows:
    labels = ["Normal"] * 20 + ["Benign"] * 12 + ["Malignant"] * 8
    return [
        {"image_id": f"i{n:02d}.png", "label": label, "case_id": f"c{n // 2}", "source": "ab"[n % 4 // 2]}
        for n, label in enumerate(labels)
    ]


@pytest.fixture
def made(data_root: DataRoot, rows: Rows, tmp_path: Path) -> tuple[Config, Path]:
    """A configuration and the manifest of the scheme case on disk."""
    return write(load_config(None, [f"data.root={data_root(rows)}"]), tmp_path / "case.csv")


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """What is logged; the command line keeps its log lines from the root logger, so the handler goes on ours."""
    logger = logging.getLogger("osteolens")
    level = logger.level
    logger.addHandler(caplog.handler)
    logger.setLevel(logging.INFO)
    yield caplog
    logger.removeHandler(caplog.handler)
    logger.setLevel(level)


def write(config: Config, path: Path) -> tuple[Config, Path]:
    data = load_radiographs(config.data)
    return config, write_split(path, make_split(data, path.stem, config), data, config)


def check(config: Config, path: Path) -> None:
    check_split(path, read_manifest(path), load_radiographs(config.data), config)


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_an_untouched_manifest_is_used_in_silence(made: tuple[Config, Path], told: pytest.LogCaptureFixture) -> None:
    config, path = made
    check(config, path)
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))  # other line ends are no edit
    check(config, path)
    assert told.text == ""
    record = json.loads(path.with_suffix(".json").read_text())
    assert record["data_images"] == 40
    assert record["options"] == {"seed": 42, "data.split_fractions": [0.7, 0.15, 0.15]}
    assert sum(record["counts"]["train"].values()) == (read_manifest(path).frame["split"] == "train").sum()


def test_an_edited_manifest_is_refused_with_what_moved(made: tuple[Config, Path]) -> None:
    config, path = made
    train = int((read_manifest(path).frame["split"] == "train").sum())
    test = int((read_manifest(path).frame["split"] == "test").sum())
    edit(path, ",train,", ",test,")
    told = rf"was edited .*\(train {train} → {train - 1} images, test {test} → {test + 1} images\).*"
    with pytest.raises(DataError, match=told + r"osteolens split --split case.*data\.split_files"):
        check(config, path)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("i00.png,Normal", "i00.png,Benign", r"1 image\(s\) have another label, for example i00\.png"),
        ("Normal,c0,", "Normal,c9,", r"1 image\(s\) have another case, for example i00\.png"),
        ("Normal,c0,a", "Normal,c0,b", r"1 image\(s\) have another source, for example i00\.png"),
        ("i00.png,Normal,c0,a\n", "", r"it had 40 images and has 39; 1 image\(s\) are gone, for example i00\.png"),
    ],
)
def test_a_changed_data_set_is_refused_with_what_changed(
    made: tuple[Config, Path], old: str, new: str, words: str
) -> None:
    config, path = made
    edit(config.data.root / "dataset.csv", old, new)
    with pytest.raises(DataError, match=f"another state of the data set: {words}.* Make it again: osteolens split"):
        check(config, path)


def test_a_new_image_is_noticed(made: tuple[Config, Path]) -> None:
    config, path = made
    (config.data.root / "images" / "new.png").write_text("new")
    with (config.data.root / "dataset.csv").open("a") as stream:
        stream.write("new.png,Normal,c99,a\n")
    with pytest.raises(DataError, match="it had 40 images and has 41"):
        check(config, path)


def test_a_changed_image_file_is_noticed(made: tuple[Config, Path]) -> None:
    config, path = made
    (config.data.root / "images" / "i00.png").write_text("another picture of another length")
    with pytest.raises(DataError, match=r"another state of the data set: image files have another size\. Make it"):
        check(config, path)


@pytest.mark.parametrize(
    ("scheme", "override", "words"),
    [
        ("case", "seed=7", "another seed than 7"),
        ("case", "data.split_fractions=[0.6, 0.2, 0.2]", r"split_fractions was \[0.7, 0.15, 0.15\] and is \[0.6"),
        ("case-fold-2", "data.folds=4", "data.folds was 5 and is 4"),
    ],
)
def test_other_options_are_noticed(  # noqa: PLR0917  a table of cases
    data_root: DataRoot, rows: Rows, tmp_path: Path, scheme: str, override: str, words: str
) -> None:
    config, path = write(load_config(None, [f"data.root={data_root(rows)}"]), tmp_path / f"{scheme}.csv")
    with pytest.raises(DataError, match=words):
        check(config.with_overrides(override), path)


def test_the_seed_of_the_training_may_change_where_the_division_has_its_own(
    data_root: DataRoot, rows: Rows, tmp_path: Path
) -> None:
    config, path = write(load_config(None, [f"data.root={data_root(rows)}"]), tmp_path / "case.csv")
    check(config.with_overrides("seed=7", "data.split_seed=42"), path)


@pytest.mark.parametrize("override", ["data.folds=4", "data.image_size=64"])
def test_options_that_do_not_matter_to_a_scheme_may_change(made: tuple[Config, Path], override: str) -> None:
    config, path = made
    check(config.with_overrides(override), path)


def test_an_edited_split_file_is_noticed(data_root: DataRoot, rows: Rows, tmp_path: Path) -> None:
    root = data_root(rows)
    (root / "own.csv").write_text("image_id,split\ni00,train\ni20,test\n")
    options = [f"data.root={root}", "data.split_files.mine=own.csv"]
    config, path = write(load_config(None, options), tmp_path / "mine.csv")
    check(config, path)
    (root / "own.csv").write_text("image_id,split\ni00,train\ni21,test\n")
    with pytest.raises(DataError, match="made with other options: its SHA-256 was"):
        check(config, path)


def test_a_manifest_without_a_record_is_used_with_a_note(
    made: tuple[Config, Path], told: pytest.LogCaptureFixture
) -> None:
    config, path = made
    path.with_suffix(".json").unlink()
    check(config, path)
    assert "has no record beside it" in told.text
    edit(path, "Normal", "Benign")
    with pytest.raises(DataError, match=r"labels that the data set does not have: 1 image.*another label.*osteolens"):
        check(config, path)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"scheme": "case"}'])
def test_a_damaged_record_is_told(made: tuple[Config, Path], text: str) -> None:
    config, path = made
    path.with_suffix(".json").write_text(text)
    with pytest.raises(DataError, match=r"case\.json is not (a readable JSON|the record of a manifest)"):
        check(config, path)


def test_parts_that_lack_a_class_are_told(data_root: DataRoot, rows: Rows) -> None:
    for row in rows:
        row["source"] = "a" if row["label"] == "Normal" or row["case_id"] == "c10" else "b"
    config = load_config(None, [f"data.root={data_root(rows)}"])
    data = load_radiographs(config.data)
    manifest = make_split(data, "source-a", config)  # test: 20 Normal and the 2 Benign of case 10
    assert class_counts(manifest)["test"] == {"Benign": 2, "Malignant": 0, "Normal": 20}
    told = warnings_on(manifest, data)
    assert "the test part has no image of the class(es) Malignant." in told
    assert "the test part has only 2 Benign, so figures of that class say little." in told
    assert "the train part has no image of the class(es) Normal." in told


def test_images_in_no_part_are_told(data_root: DataRoot, rows: Rows) -> None:
    root = data_root(rows)
    (root / "own.csv").write_text("image_id,split\n" + "".join(f"i{n:02d},train\n" for n in range(38)))
    config = load_config(None, [f"data.root={root}", "data.split_files.mine=own.csv"])
    data = load_radiographs(config.data)
    assert warnings_on(make_split(data, "mine", config), data) == ["2 of 40 images are in no part."]
