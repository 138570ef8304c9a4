"""ZIPs that want out of their folder, blow up, or are broken."""

from __future__ import annotations

import copy
import random
import stat
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from osteolens.data.acquisition.archive import Limits, extract, inspect, open_archive, read_member
from osteolens.errors import DataError, StorageError

ZipOf = Callable[..., bytes]


@pytest.fixture
def refused(tmp_path: Path) -> Callable[..., str]:
    def why(content: bytes, **limits: Any) -> str:
        """Return the sentence with which a ZIP is refused."""
        path = tmp_path / "hostile.zip"
        path.write_bytes(content)
        with open_archive(path) as archive, pytest.raises(DataError, match="Nothing was unpacked") as refusal:
            inspect(archive, Limits(**limits))
        return str(refusal.value)

    return why


@pytest.mark.parametrize(
    "name",
    [
        "../outside.txt",
        "images/../../outside.txt",
        "images/..",
        "/etc/cron.d/evil",
        "..\\outside.txt",
        "images\\..\\..\\outside.txt",
        "C:\\Windows\\evil.dll",
        "c:evil.dll",
        "\\\\server\\share\\evil",
    ],
)
def test_names_that_lead_out_are_refused(name: str, zip_of: ZipOf, refused: Callable[..., str]) -> None:
    assert "would leave the folder" in refused(zip_of({"images/a.jpg": b"a", name: b"evil"}))


def test_names_with_control_characters_are_refused(zip_of: ZipOf, refused: Callable[..., str]) -> None:
    assert "control characters" in refused(zip_of({"images/a\n0000  b.jpg": b"a"}))


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR])
def test_links_and_devices_are_refused(kind: int, zip_of: ZipOf, refused: Callable[..., str]) -> None:
    def as_link(info: zipfile.ZipInfo) -> None:
        info.external_attr = (kind | 0o777) << 16

    assert "a link or a device" in refused(zip_of({"images": b"/etc"}, as_link))


def test_an_encrypted_member_is_refused(zip_of: ZipOf, refused: Callable[..., str]) -> None:
    content = bytearray(zip_of({"images/a.jpg": b"a"}))
    content[content.index(b"PK\x01\x02") + 8] |= 1  # the flags in the directory
    assert "is encrypted" in refused(bytes(content))


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA, 9, 99])
def test_unusual_packing_is_refused(method: int, zip_of: ZipOf, refused: Callable[..., str]) -> None:
    content = bytearray(zip_of({"images/a.jpg": b"a"}))
    struct.pack_into("<H", content, content.index(b"PK\x01\x02") + 10, method)
    assert f"unusual method ({method})" in refused(bytes(content))


def test_a_bomb_by_ratio_is_refused(zip_of: ZipOf, refused: Callable[..., str]) -> None:
    assert "over 200 times its size" in refused(zip_of({"images/a.jpg": bytes(4 << 20)}))


def test_a_bomb_by_count_is_refused(zip_of: ZipOf, refused: Callable[..., str]) -> None:
    members = {f"images/{number}.jpg": b"" for number in range(4)}
    assert "4 members, more than 3" in refused(zip_of(members), members=3)


def test_a_bomb_by_size_is_refused(zip_of: ZipOf, refused: Callable[..., str]) -> None:
    members = {"images/a.jpg": b"12345", "images/b.jpg": b"67890"}
    assert "would unpack to 10 bytes" in refused(zip_of(members), total_bytes=9)
    assert "'images/a.jpg' would unpack to 5 bytes" in refused(zip_of(members), member_bytes=4)


def test_a_bomb_of_members_that_share_their_bytes_is_refused(tmp_path: Path, refused: Callable[..., str]) -> None:
    path = tmp_path / "overlapping.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("kernel", random.Random(1).randbytes(10_000))  # noqa: S311  content that does not compress
        for number in range(5):
            twin = copy.copy(archive.filelist[0])
            twin.filename = f"images/{number}.jpg"
            archive.filelist.append(twin)
    assert "overlap" in refused(path.read_bytes())


def test_two_members_for_one_file_are_refused(zip_of: ZipOf, refused: Callable[..., str]) -> None:
    assert "is in it twice" in refused(zip_of({"images/A.jpg": b"1", "Images/a.JPG": b"2"}))
    assert "is in it twice" in refused(zip_of({"images/a.jpg": b"1", "./images//a.jpg": b"2"}))


@pytest.mark.parametrize("keep", [slice(0, 0), slice(0, 100), slice(0, -30), slice(50, -60)])
def test_half_a_zip_is_none(keep: slice, zip_of: ZipOf, tmp_path: Path) -> None:
    path = tmp_path / "half.zip"
    path.write_bytes(zip_of({f"images/{number}.jpg": bytes(50) for number in range(9)})[keep])
    with pytest.raises(DataError, match="is not a whole ZIP"), open_archive(path):
        pass


def test_a_zip_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no\.zip does not exist"), open_archive(tmp_path / "no.zip"):
        pass
    with pytest.raises(DataError, match="cannot be read: Is a directory"), open_archive(tmp_path):
        pass


def _flip_a_byte(content: bytes, where: bytes) -> bytes:
    at = content.index(where)
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


def test_damage_is_found_while_unpacking(tmp_path: Path) -> None:
    path = tmp_path / "damaged.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("images/a.jpg", b"the picture")
    path.write_bytes(_flip_a_byte(path.read_bytes(), b"the picture"))
    with open_archive(path) as archive:
        members = inspect(archive, Limits())
        (info,) = members.values()
        with pytest.raises(DataError, match=r"damaged at 'images/a\.jpg': Bad CRC-32"):
            extract(archive, {"images/a.jpg": info}, tmp_path / "out")
        with pytest.raises(DataError, match="damaged"):
            read_member(archive, info)


def test_a_member_larger_than_it_says_is_damage(zip_of: ZipOf, tmp_path: Path) -> None:
    def smaller(info: zipfile.ZipInfo) -> None:
        info.file_size = 10

    path = tmp_path / "lying.zip"
    path.write_bytes(zip_of({"images/a.jpg": bytes(500_000)}, smaller))
    with open_archive(path) as archive:
        members = inspect(archive, Limits())
        with pytest.raises(DataError, match="damaged"):
            extract(archive, {"a.jpg": members["images", "a.jpg"]}, tmp_path / "out")
    assert (tmp_path / "out" / "a.jpg").stat().st_size <= 10


def test_members_go_where_they_are_told(zip_of: ZipOf, tmp_path: Path) -> None:
    path = tmp_path / "good.zip"
    path.write_bytes(zip_of({"w/": b"", "w/images/a.jpg": b"picture", "w\\note.txt": b"note"}))
    with open_archive(path) as archive:
        members = inspect(archive, Limits())
        assert list(members) == [("w", "images", "a.jpg"), ("w", "note.txt")]
        extract(archive, {"images/b.jpg": members["w", "images", "a.jpg"]}, tmp_path / "out")
        with pytest.raises(StorageError):  # nothing is overwritten
            extract(archive, {"images/b.jpg": members["w", "note.txt"]}, tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").rglob("*")] == ["images", "b.jpg"]
    assert (tmp_path / "out/images/b.jpg").read_bytes() == b"picture"


def test_a_bomb_of_many_small_members_is_refused(zip_of: ZipOf, refused: Callable[..., str]) -> None:
    members = {f"images/{number}.jpg": bytes(1 << 20) for number in range(8)}  # each too small to be judged alone
    assert "it would unpack to over 200 times its size" in refused(zip_of(members))
