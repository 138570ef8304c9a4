from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from osteolens.config import load_config
from osteolens.data.duplicates import near_duplicates, perceptual_hashes
from osteolens.data.images import read_grey
from osteolens.data.leakage import leakcheck
from osteolens.data.radiographs import load_radiographs
from osteolens.errors import DataError
from osteolens.storage import read_table


def picture(seed: int) -> NDArray[np.uint8]:
    """Blurred noise: structure at many scales, values 40 to 200."""
    noise = np.random.default_rng(seed).normal(size=(12, 12)).astype(np.float32)
    smooth = np.asarray(Image.fromarray(noise).resize((96, 96), Image.Resampling.BICUBIC))
    return (40 + 160 * (smooth - smooth.min()) / np.ptp(smooth)).astype(np.uint8)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """t1 to t3 are train pictures; copy is t1 byte for byte, darker is t2 at 80%, own is another picture."""
    images = tmp_path / "images"
    images.mkdir()
    for seed, name in enumerate(("t1", "t2", "t3", "own")):
        Image.fromarray(picture(seed)).save(images / f"{name}.png")
    (images / "copy.png").write_bytes((images / "t1.png").read_bytes())
    Image.fromarray((picture(1) * 0.8).astype(np.uint8)).save(images / "darker.png")
    return images


SPLIT = """image_id,split,label,patient
t1.png,train,Normal,p1
t2.png,train,Benign,p2
t3.png,train,Benign,p3
copy.png,test,Normal,p4
darker.png,test,Benign,p3
own.png,test,Benign,p5
"""


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "split.csv"
    path.write_text(text)
    return path


def check(tmp_path: Path, text: str, **options: Any) -> dict[str, Any]:
    return leakcheck(write(tmp_path, text), group_column="patient", **options)


def test_copies_and_look_alikes_are_counted_apart_from_cases_and_together(tmp_path: Path, folder: Path) -> None:
    without = check(tmp_path, SPLIT)["evaluation"]["test"]["overall"]
    assert without == {"n": 3, "shared": 1, "shared_fraction": 1 / 3, "leaking": 1, "leaking_fraction": 1 / 3}
    result = check(tmp_path, SPLIT, images=folder)
    assert result["evaluation"]["test"]["overall"] == {
        "n": 3,
        "shared": 1,  # darker, by its patient
        "shared_fraction": 1 / 3,
        "duplicated": 1,  # copy
        "near_duplicated": 1,  # darker, again; copy is not counted twice
        "leaking": 2,
        "leaking_fraction": 2 / 3,
    }
    benign = result["evaluation"]["test"]["per_class"]["Benign"]
    assert (benign["duplicated"], benign["near_duplicated"], benign["leaking"]) == (0, 1, 1)
    assert result["pictures"]["compared"] == 6
    first, second = result["pictures"]["pairs"]
    assert first == {"image": "copy.png", "part": "test", "train_image": "t1.png", "distance": 0, "identical": True}
    assert (second["image"], second["train_image"], second["identical"]) == ("darker.png", "t2.png", False)
    assert "1 test image(s) are byte-identical to a train image." in result["sentence"]
    assert "1 test image(s) look like a train image (hashes within 4 of 64 bits)." in result["sentence"]


def test_the_limit_is_on_all_kinds_together(tmp_path: Path, folder: Path) -> None:
    assert check(tmp_path, SPLIT, limit=0.34)["passed"] is True
    assert check(tmp_path, SPLIT, limit=0.34, images=folder)["passed"] is False
    assert check(tmp_path, SPLIT, limit=0.67, images=folder)["passed"] is True


def test_a_byte_identical_train_picture_is_named_before_one_that_looks_the_same(tmp_path: Path, folder: Path) -> None:
    Image.fromarray(picture(0)).save(folder / "t0.png", compress_level=1)  # the same pixels as t1 in other bytes
    assert (folder / "t0.png").read_bytes() != (folder / "t1.png").read_bytes()
    text = SPLIT.replace("t1.png,train", "t0.png,train,Normal,p0\nt1.png,train")
    assert check(tmp_path, text, images=folder)["pictures"]["pairs"][0]["train_image"] == "t1.png"


def test_pictures_that_cannot_be_compared_are_told(tmp_path: Path, folder: Path) -> None:
    (folder / "own.png").write_bytes(b"no picture")
    (folder / "copy.png").unlink()
    result = check(tmp_path, SPLIT, images=folder)
    assert result["pictures"]["missing"] == ["copy.png"]
    assert list(result["pictures"]["unreadable"]) == ["own.png"]
    assert result["sentence"].endswith("2 of 6 pictures could not be compared.")
    assert result["evaluation"]["test"]["overall"]["duplicated"] == 0


def test_pictures_in_folders_are_found_by_their_path(tmp_path: Path, folder: Path) -> None:
    for patient in ("a", "b"):
        (folder / patient).mkdir()
    (folder / "t1.png").rename(folder / "a" / "view.png")
    (folder / "copy.png").rename(folder / "b" / "view.png")
    text = SPLIT.replace("t1.png", "a/view").replace("copy.png", "b\\view.png")  # without suffix; by Windows
    result = check(tmp_path, text, images=folder)
    assert result["pictures"]["missing"] == []
    assert result["pictures"]["pairs"][0]["train_image"] == "a/view"
    # a file name that two images of the table share says nothing about which of them it is
    (folder / "b" / "view.png").rename(folder / "view.png")
    assert check(tmp_path, text, images=folder)["pictures"]["missing"] == ["b\\view.png"]


@pytest.mark.parametrize(
    ("name", "words"), [("none", "does not exist"), ("empty", "only 0 of 6 pictures could be found")]
)
def test_a_folder_without_the_pictures_is_told(tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=words):
        check(tmp_path, SPLIT, images=tmp_path / name)


def test_a_table_does_not_lead_out_of_the_folder(tmp_path: Path, folder: Path) -> None:
    Image.fromarray(picture(0)).save(tmp_path / "outside.png")
    for name in (f"{tmp_path}/outside.png", "../outside.png"):
        result = check(tmp_path, SPLIT + f"{name},test,Normal,p9\n", images=folder)
        assert result["pictures"]["missing"] == [name]


def test_without_a_train_picture_nothing_is_called_clean(tmp_path: Path, folder: Path) -> None:
    for name in ("t1", "t2", "t3"):
        (folder / f"{name}.png").unlink()
    with pytest.raises(DataError, match=r"only 3 of 6 pictures .* nothing can be compared"):
        check(tmp_path, SPLIT, images=folder)


@pytest.mark.usefixtures("folder")
def test_a_data_set_gives_cases_and_pictures(tmp_path: Path) -> None:
    names = [line.split(",")[0] for line in SPLIT.splitlines()[1:]]
    (tmp_path / "dataset.csv").write_text("image_id,label\n" + "".join(f"{name},Normal\n" for name in names))
    cases = "".join(f"{name},{'one' if name in {'t3.png', 'own.png'} else name}\n" for name in names)
    (tmp_path / "cases.csv").write_text("image_id,case_id\n" + cases)
    data = load_radiographs(load_config(None, [f"data.root={tmp_path}"]).data)
    text = "image_id,split\n" + "".join(f"{name},{'train' if name[0] == 't' else 'test'}\n" for name in names)
    overall = leakcheck(write(tmp_path, text), data=data)["evaluation"]["test"]["overall"]
    assert [overall[key] for key in ("shared", "duplicated", "near_duplicated", "leaking")] == [1, 1, 1, 3]
    with pytest.raises(DataError, match=r"1 image.* not in the data set, for example zebra"):
        leakcheck(write(tmp_path, text + "zebra,val\n"), data=data)


@pytest.mark.parametrize(("labels", "copies"), [(["Benign", "Normal"], 1), (["Malignant", "Malignant"], 0)])
def test_the_labels_of_the_data_set_tell_whether_it_is_btxrd(tmp_path: Path, labels: list[str], copies: int) -> None:
    """IMG000591 and IMG003456 are copies in BTXRD, Benign and Normal; the pictures here differ."""
    names = ["IMG000591.png", "IMG003456.png"]
    (tmp_path / "images").mkdir()
    for number, name in enumerate(names):
        Image.fromarray(picture(number)).save(tmp_path / "images" / name)
    rows = "".join(f"{name},{label}\n" for name, label in zip(names, labels, strict=True))
    (tmp_path / "dataset.csv").write_text("image_id,label\n" + rows)
    (tmp_path / "cases.csv").write_text(f"image_id,case_id\n{names[0]},a\n{names[1]},b\n")
    data = load_radiographs(load_config(None, [f"data.root={tmp_path}"]).data)
    for heading, ends in (("image_id,split", ("train", "test")), ("image_id,split,case_id", ("train,a", "test,b"))):
        text = "\n".join([heading, *(f"{name},{end}" for name, end in zip(names, ends, strict=True))])
        assert leakcheck(write(tmp_path, text), data=data)["evaluation"]["test"]["overall"]["duplicated"] == copies


@pytest.mark.real_data
def test_btxrd_look_alikes_across_the_baseline_split(btxrd256: Path) -> None:
    """The 41 pairs of the all-pairs search, looked up in the split: none of the identical ones is torn."""
    path = btxrd256 / "reference" / "baseline_stratified_split.csv"
    result = leakcheck(path, images=btxrd256 / "images")
    names = sorted((btxrd256 / "images").glob("*.jpeg"))
    pairs = near_duplicates([each.name for each in names], perceptual_hashes(read_grey(each) for each in names))
    part_of = read_table(path).set_index("image_id")["split"]
    torn = {"val": set(), "test": set()}
    for pair in pairs:
        for one, other in ((pair.first, pair.second), (pair.second, pair.first)):
            if part_of[one] == "train" and part_of[other] != "train":
                torn[part_of[other]].add(other)
    evaluated = {part: entry["overall"] for part, entry in result["evaluation"].items()}
    assert {part: entry["near_duplicated"] for part, entry in evaluated.items()} == {"val": 6, "test": 2}
    assert {part: len(found) for part, found in torn.items()} == {"val": 6, "test": 2}
    assert {entry["duplicated"] for entry in evaluated.values()} == {0}
    assert {pair["image"] for pair in result["pictures"]["pairs"]} == torn["val"] | torn["test"]
    assert result["evaluation"]["test"]["per_class"]["Malignant"]["shared_fraction"] == pytest.approx(0.686, abs=0.001)
