"""The ZIP holds the data set once its oddities are undone, and the same bytes every time."""

from __future__ import annotations

import zipfile
from pathlib import Path

from osteolens.data.phantom import write_release_zip


def test_members_are_those_of_the_release(phantom: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(write_release_zip(phantom, tmp_path / "BTXRD.zip")) as archive:
        names = archive.namelist()
    assert len(set(names)) == len(names)
    assert {name.split("/")[0] for name in names} == {"BTXRD"}
    assert {name.split("/")[1] for name in names} == {"images", "Annotations", "dataset.xlsx", "~$dataset(total).xlsx"}
    assert not [name for name in names if name.endswith(".csv")]
    assert {Path(name).suffix for name in names if "/images/" in name} == {".jpeg", ".jpg"}


def test_content_is_the_folder_once_the_oddities_are_undone(phantom: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(write_release_zip(phantom, tmp_path / "BTXRD.zip")) as archive:
        assert archive.testzip() is None
        files = {name.removeprefix("BTXRD/"): archive.read(name) for name in archive.namelist()}
    lock = files.pop("~$dataset(total).xlsx")
    assert len(lock) == 165
    nested = {name: files.pop(name) for name in list(files) if name.startswith("Annotations/Annotations/")}
    assert {f"Annotations/{name}": content for name, content in files.items() if "Annotations" in name} == nested
    kept = [path for path in phantom.rglob("*") if path.is_file()]
    in_folder = {path.relative_to(phantom).as_posix(): path.read_bytes() for path in kept}
    for left_out in ("dataset.csv", "cases.csv", "truth.csv", "phantom.json"):
        del in_folder[left_out]
    assert files == in_folder


def test_equal_data_sets_give_equal_bytes(phantom: Path, tmp_path: Path) -> None:
    first, second = (write_release_zip(phantom, tmp_path / name).read_bytes() for name in ("a.zip", "b.zip"))
    assert first == second
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(2025, 1, 1, 0, 0, 0)}
