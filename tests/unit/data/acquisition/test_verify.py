"""Every file against its digest; expected digests are hashlib's or those of the release."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest

from osteolens.data.acquisition.source import btxrd
from osteolens.data.acquisition.verify import (
    file_problems,
    hash_files,
    image_problems,
    read_checksums,
    write_checksums,
)
from osteolens.errors import DataError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "IMG2.jpg").write_bytes(b"two")
    (tmp_path / "images" / "IMG1.jpeg").write_bytes(b"one")
    (tmp_path / "dataset.csv").write_bytes(b"image_id\n")
    (tmp_path / "download.json").write_bytes(b"{}")
    return tmp_path


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_all_files_are_hashed_but_the_records(root: Path) -> None:
    expected = {"dataset.csv": sha(b"image_id\n"), "images/IMG1.jpeg": sha(b"one"), "images/IMG2.jpg": sha(b"two")}
    assert hash_files(root) == expected
    write_checksums(root, hash_files(root))
    assert hash_files(root) == expected
    assert read_checksums(root) == expected


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="needs the tool sha256sum")
def test_the_list_is_one_that_sha256sum_checks(root: Path) -> None:
    write_checksums(root, hash_files(root))
    check = ["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"]
    assert subprocess.run(check, cwd=root, check=False).returncode == 0  # noqa: S603  a fixed command
    (root / "images" / "IMG1.jpeg").write_bytes(b"other")
    assert subprocess.run(check, cwd=root, check=False, capture_output=True).returncode == 1  # noqa: S603


def test_images_are_compared_by_stem() -> None:
    sums = {"images/IMG1.jpg": "aa", "images/IMG2.jpeg": "bb", "dataset.csv": "cc"}
    assert image_problems(sums, {"IMG1": "aa", "IMG2": "bb"}) == []
    assert image_problems(sums, {"IMG1": "aa", "IMG2": "xx", "IMG3": "dd"}) == [
        "IMG3 is missing",
        "IMG2 has other bytes",
    ]
    assert image_problems(sums, {"IMG1": "aa"}) == ["IMG2 is not of the release"]


def test_lost_and_changed_files_are_named_added_ones_do_not_matter(root: Path) -> None:
    recorded = hash_files(root)
    (root / "cases.csv").write_bytes(b"mine")
    assert file_problems(root, recorded) == []
    (root / "images" / "IMG1.jpeg").write_bytes(b"eno")
    (root / "dataset.csv").unlink()
    assert file_problems(root, recorded) == ["dataset.csv is missing", "images/IMG1.jpeg has other bytes"]


def test_a_lost_list_is_said(root: Path) -> None:
    with pytest.raises(DataError, match="SHA256SUMS cannot be read"):
        read_checksums(root)


def test_the_release_is_known() -> None:
    release = btxrd()
    assert release.size == 840474929
    assert release.md5 == "59132a5036d030580ccade8add8f13df"
    assert release.sha256 == "e7c800c3b4e090262b160525a0765f9d93bcc53d639c03806a3ac47b0ded3373"
    assert release.images is not None
    assert len(release.images) == 3746
    assert release.urls[0] == "https://ndownloader.figshare.com/files/50653575"
    assert btxrd("https://mirror/x.zip").urls == ("https://mirror/x.zip",)


@pytest.mark.real_data
def test_originals_of_the_release_pass(btxrd_originals: Path) -> None:
    images = btxrd().images
    assert images is not None
    sums = {f"images/{name}": digest for name, digest in hash_files(btxrd_originals).items()}
    problems = image_problems(sums, images)
    assert len(sums) == 30
    assert len(problems) == 3716
    assert all(problem.endswith("is missing") for problem in problems)
