"""A whole download: once, twice, over something else, from a ZIP at hand."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from osteolens.config import DataOptions
from osteolens.data.acquisition import any_zip, download
from osteolens.data.acquisition.places import Places
from osteolens.data.acquisition.transfer import Patience
from osteolens.data.radiographs import load_radiographs
from osteolens.errors import ConfigError, DataError, StorageError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "data" / "small"


def tree(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def neighbours(root: Path) -> set[str]:
    return {path.name for path in root.parent.iterdir()} - {f".{root.name}.lock"}


def test_the_data_root_is_whole_and_put_right(
    server: Any, content: bytes, small_set: Any, root: Path, patience: Patience
) -> None:
    result = download(root, small_set.release(content, server.url()), patience=patience)
    files = tree(root)
    assert {name for name in files if "/" in name} == {
        "images/IMG000001.jpeg",
        "images/IMG000002.jpeg",
        "images/IMG000003.jpg",
        "Annotations/IMG000001.json",
    }
    assert all(files[f"images/{name}"] == picture for name, picture in small_set.images.items())
    assert {name for name in files if "/" not in name} == {"dataset.xlsx", "dataset.csv", "SHA256SUMS", "download.json"}
    assert (result.record.images, result.record.annotations, result.record.verified) == (3, 1, True)
    assert result.record.put_right[:3] == (
        "taken out of the folder BTXRD/",
        "1 annotation(s) repeated in Annotations/Annotations/ left out",
        "1 left out, lock file of Excel: BTXRD/~$dataset(total).xlsx",
    )
    assert neighbours(root) == {"small", "small.zip"}
    assert result.kept_zip is not None
    assert result.kept_zip.read_bytes() == content
    assert json.loads((root / "download.json").read_text())["source"] == server.url()
    radiographs = load_radiographs(DataOptions(root=root))
    assert radiographs.frame["label"].tolist() == ["Malignant", "Normal", "Normal"]
    assert radiographs.missing == ()


def test_a_second_call_checks_and_does_nothing(
    server: Any, content: bytes, small_set: Any, root: Path, patience: Patience
) -> None:
    release = small_set.release(content, server.url())
    download(root, release, keep_zip=False, patience=patience)
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*")}
    result = download(root, release, keep_zip=False, patience=patience)
    assert result.already_there
    assert result.record.images == 3
    assert {path: path.stat().st_mtime_ns for path in root.rglob("*")} == before
    assert len(server.seen) == 1
    assert neighbours(root) == {"small"}


@pytest.mark.parametrize("harm", ["change", "remove"])
def test_a_damaged_root_is_told_and_left_alone(  # noqa: PLR0917  fixtures
    server: Any, content: bytes, small_set: Any, root: Path, patience: Patience, harm: str
) -> None:
    release = small_set.release(content, server.url())
    download(root, release, patience=patience)
    picture = root / "images" / "IMG000002.jpeg"
    if harm == "change":
        picture.write_bytes(picture.read_bytes()[::-1])
    else:
        picture.unlink()
    before = tree(root)
    with pytest.raises(DataError, match=r"no longer as it was unpacked: images/IMG000002\.jpeg .*--fresh"):
        download(root, release, patience=patience)
    assert tree(root) == before
    result = download(root, release, fresh=True, patience=patience)
    assert not result.already_there
    assert tree(root.with_name("small.previous")) == before
    assert (root / "images" / "IMG000002.jpeg").read_bytes() == small_set.images["IMG000002.jpeg"]
    assert len(server.seen) == 1  # the kept ZIP served again


def test_a_change_hidden_in_the_list_of_checksums_is_found(
    server: Any, content: bytes, small_set: Any, root: Path, patience: Patience
) -> None:
    release = small_set.release(content, server.url())
    download(root, release, patience=patience)
    sums = (root / "SHA256SUMS").read_text()
    one, two = small_set.images["IMG000001.jpeg"], release.images["IMG000002"]
    (root / "images" / "IMG000002.jpeg").write_bytes(one)
    (root / "SHA256SUMS").write_text(sums.replace(two, release.images["IMG000001"]))
    with pytest.raises(DataError, match="IMG000002 has other bytes"):
        download(root, release, patience=patience)


def test_something_else_is_never_touched(
    server: Any, content: bytes, small_set: Any, root: Path, patience: Patience
) -> None:
    (root / "images").mkdir(parents=True)
    (root / "images" / "mine.jpg").write_bytes(b"mine")
    release = small_set.release(content, server.url())
    with pytest.raises(DataError, match=r"not made by osteolens download.*osteolens audit --data"):
        download(root, release, patience=patience)
    assert tree(root) == {"images/mine.jpg": b"mine"}
    assert server.seen == []
    download(root, release, fresh=True, patience=patience)
    download(root, release, fresh=True, patience=patience)
    assert tree(root.with_name("small.previous")) == {"images/mine.jpg": b"mine"}
    assert (root.with_name("small.previous-2") / "download.json").is_file()


def test_another_data_set_is_told_by_name(server: Any, small_set: Any, root: Path, patience: Patience) -> None:
    server.content = small_set.zip()
    download(root, any_zip("a stranger", server.url()), patience=patience)
    with pytest.raises(DataError, match=r"holds a stranger from http://.*, not Small"):
        download(root, small_set.release(small_set.zip(**{"BTXRD/x.txt": b""}), server.url()), patience=patience)


@pytest.mark.parametrize("text", ["[]", "{}", '{"data_set": 1}', "no json"])
def test_a_damaged_record_is_told(server: Any, content: bytes, small_set: Any, root: Path, text: str) -> None:
    root.mkdir(parents=True)
    (root / "download.json").write_text(text)
    with pytest.raises(DataError, match=r"download\.json is not"):
        download(root, small_set.release(content, server.url()))


def test_an_empty_folder_is_taken(server: Any, content: bytes, small_set: Any, root: Path) -> None:
    root.mkdir(parents=True)
    assert not download(root, small_set.release(content, server.url())).already_there


def test_a_link_to_another_disk_is_followed(server: Any, content: bytes, small_set: Any, root: Path) -> None:
    elsewhere = root.parent.with_name("large disk") / "btxrd"
    elsewhere.mkdir(parents=True)
    root.parent.mkdir()
    root.symlink_to(elsewhere)
    result = download(root, small_set.release(content, server.url()))
    assert root.is_symlink()
    assert (root / "download.json").is_file()
    assert result.kept_zip == elsewhere.with_name("btxrd.zip")


def test_a_damaged_kept_zip_is_set_aside_and_fetched_anew(
    server: Any, content: bytes, small_set: Any, root: Path, patience: Patience
) -> None:
    root.parent.mkdir()
    damaged = content[:500_000] + b"x" + content[500_001:]
    root.with_name("small.zip").write_bytes(damaged)
    download(root, small_set.release(content, server.url()), patience=patience)
    assert root.with_name("small.zip").read_bytes() == content
    assert root.with_name("small.zip.rejected").read_bytes() == damaged
    assert len(server.seen) == 1


@pytest.mark.parametrize("keep", [True, False])
def test_a_good_kept_zip_is_not_fetched_again(
    server: Any, content: bytes, small_set: Any, root: Path, *, keep: bool
) -> None:
    root.parent.mkdir()
    root.with_name("small.zip").write_bytes(content)
    download(root, small_set.release(content, server.url()), keep_zip=keep)
    assert server.seen == []
    assert root.with_name("small.zip").exists() == keep


def test_a_file_of_that_name_is_not_lost_to_an_unknown_zip(server: Any, content: bytes, root: Path) -> None:
    root.parent.mkdir()
    root.with_name("small.zip").write_bytes(b"mine")
    download(root, any_zip("a ZIP", server.url()))
    assert root.with_name("small.zip.previous").read_bytes() == b"mine"
    assert root.with_name("small.zip").read_bytes() == content


def test_a_zip_at_hand_is_checked_used_and_left_alone(
    server: Any, content: bytes, small_set: Any, root: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "from a colleague.zip"
    copy.write_bytes(content)
    release = small_set.release(content, server.url())
    result = download(root, release, from_zip=copy, keep_zip=False)
    assert (result.record.verified, result.record.source, result.kept_zip) == (True, "from a colleague.zip", None)
    assert copy.read_bytes() == content
    assert server.seen == []
    assert neighbours(root) == {"small"}
    assert download(root, release).already_there  # the same release by another way
    assert tree(root).keys() >= {"dataset.csv", "SHA256SUMS"}


def test_a_zip_at_hand_that_is_not_the_release_is_refused(small_set: Any, content: bytes, root: Path) -> None:
    copy = root.parent / "other.zip"
    copy.parent.mkdir()
    other = small_set.zip(**{"BTXRD/x.txt": b""})
    copy.write_bytes(other)
    with pytest.raises(DataError, match=rf"is not Small: it has {len(other):,} bytes, .*--any-zip"):
        download(root, small_set.release(content), from_zip=copy)
    assert not root.exists()
    result = download(root, any_zip(copy.name), from_zip=copy)
    assert not result.record.verified
    assert download(root, any_zip(copy.name), from_zip=copy).already_there
    copy.write_bytes(content)
    with pytest.raises(DataError, match=r"holds other\.zip from other\.zip, not"):
        download(root, any_zip(copy.name), from_zip=copy)


def test_the_kept_zip_may_be_the_zip_at_hand(small_set: Any, root: Path) -> None:
    kept = root.with_name("small.zip")
    kept.parent.mkdir()
    kept.write_bytes(small_set.zip())
    result = download(root, any_zip(kept.name), from_zip=kept, keep_zip=False)
    assert (result.record.source, result.kept_zip) == ("small.zip", None)
    assert kept.read_bytes() == small_set.zip()


def test_images_that_the_release_does_not_list_leave_no_root(
    server: Any, content: bytes, small_set: Any, root: Path, patience: Patience
) -> None:
    release = small_set.release(content, server.url())
    release.images["IMG000002"] = "0" * 64
    with pytest.raises(DataError, match="not those of Small: IMG000002 has other bytes"):
        download(root, release, patience=patience)
    assert not root.exists()
    assert not Places.of(root).draft.exists()


@pytest.mark.parametrize(
    ("entries", "sentence"),
    [
        ({"BTXRD/../../evil.txt": b"x"}, "would leave the folder"),
        ({"BTXRD/images/bomb.jpg": bytes(4 << 20)}, "as a bomb"),
        ({"BTXRD/dataset.csv": b"image_id,label\na.jpg,\n"}, r"^small\.zip/dataset\.csv has 1 error"),
    ],
)
def test_a_zip_that_cannot_be_used_leaves_no_root(
    small_set: Any, root: Path, tmp_path: Path, entries: dict[str, bytes], sentence: str
) -> None:
    copy = tmp_path / "small.zip"
    copy.write_bytes(small_set.zip(**entries))
    with pytest.raises(DataError, match=sentence):
        download(root, any_zip("a ZIP"), from_zip=copy)
    assert not root.exists()
    assert not list(tmp_path.rglob("evil*"))


def test_nested_annotations_that_differ_are_reported(small_set: Any, root: Path, tmp_path: Path) -> None:
    copy = tmp_path / "small.zip"
    copy.write_bytes(small_set.zip(**{"BTXRD/Annotations/Annotations/IMG000001.json": b'{"shapes": [1]}'}))
    result = download(root, any_zip("a ZIP"), from_zip=copy)
    assert any("1 nested annotation(s) differ" in line and "IMG000001.json" in line for line in result.record.put_right)
    assert (root / "Annotations" / "IMG000001.json").read_bytes() == small_set.annotation


def test_two_at_once_do_not_disturb_each_other(server: Any, content: bytes, small_set: Any, root: Path) -> None:
    release = small_set.release(content, server.url())
    with Places.of(root).exclusive(), pytest.raises(StorageError, match="another process is downloading"):
        download(root, release)
    assert download(root, release).record.images == 3


def test_too_little_space_is_told_before_the_download(server: Any, content: bytes, small_set: Any, root: Path) -> None:
    release = small_set.release(content, server.url(), unpacked_size=10**18)
    with pytest.raises(StorageError, match="are needed"):
        download(root, release)
    assert server.seen == []


def test_a_file_in_the_place_of_a_folder_is_told(server: Any, content: bytes, small_set: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"mine")
    release = small_set.release(content, server.url())
    with pytest.raises(StorageError, match="a file stands where a folder is needed"):
        download(tmp_path / "file" / "small", release)
    with pytest.raises(DataError, match="already holds something"):
        download(tmp_path / "file", release)
    with pytest.raises(ConfigError, match="cannot be a data root"):
        download(Path("/"), release)


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write anywhere")
def test_a_read_only_folder_is_told(server: Any, content: bytes, small_set: Any, root: Path) -> None:
    root.parent.mkdir()
    root.parent.chmod(0o500)
    try:
        with pytest.raises(StorageError, match="no permission"):
            download(root, small_set.release(content, server.url()))
    finally:
        root.parent.chmod(0o700)


def test_an_answer_is_plain_values(server: Any, content: bytes, small_set: Any, root: Path) -> None:
    values = download(root, small_set.release(content, server.url())).to_dict()
    assert values["record"]["sha256"] == small_set.release(content).sha256
    assert values["notice"] == "Cite the small set."
