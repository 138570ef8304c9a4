from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from osteolens.data.cache import cached_pictures
from osteolens.domain import Preprocessing
from osteolens.errors import DataError, StorageError

RECORD = Preprocessing(32, resize="stretch")


def grey(number: int) -> NDArray[np.uint8]:
    return np.random.default_rng(number).integers(0, 256, (64, 64), dtype=np.uint8)


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    folder = tmp_path / "images"
    folder.mkdir()
    for number in range(6):
        Image.fromarray(grey(number)).save(folder / f"{number}.png")
    return sorted(folder.iterdir())


@pytest.fixture
def cache_dir(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def test_pictures_are_resized_in_the_order_asked_for(paths: list[Path], cache_dir: Path) -> None:
    pictures = cached_pictures(paths[::-1], RECORD, cache_dir)
    assert pictures.shape == (6, 32, 32)
    assert pictures.dtype == np.uint8
    for row, number in zip(pictures, range(5, -1, -1), strict=True):
        halves = grey(number).reshape(32, 2, 32, 2).mean(axis=(1, 3))
        assert np.abs(row - halves).max() <= 0.5


def test_the_result_is_mapped_from_the_file_and_cannot_be_written_to(paths: list[Path], cache_dir: Path) -> None:
    pictures = cached_pictures(paths, RECORD, cache_dir)
    assert isinstance(pictures, np.memmap)
    assert not pictures.flags.writeable


def test_a_second_call_does_not_decode(paths: list[Path], cache_dir: Path) -> None:
    first = cached_pictures(paths, RECORD, cache_dir)
    (file,) = cache_dir.glob("*.npy")
    before = (file.stat().st_ino, file.stat().st_mtime_ns)
    again = cached_pictures(paths, RECORD, cache_dir)
    assert list(cache_dir.glob("*.npy")) == [file]
    assert (file.stat().st_ino, file.stat().st_mtime_ns) == before
    np.testing.assert_array_equal(again, first)


def test_the_cache_goes_by_content_and_not_by_name_or_time(paths: list[Path], cache_dir: Path, tmp_path: Path) -> None:
    cached_pictures(paths, RECORD, cache_dir)
    moved = [path.rename(tmp_path / f"renamed_{path.name}") for path in paths]
    cached_pictures(moved, RECORD, cache_dir)
    assert len(list(cache_dir.glob("*.npy"))) == 1


def test_a_changed_picture_is_decoded_again(paths: list[Path], cache_dir: Path) -> None:
    before = np.array(cached_pictures(paths, RECORD, cache_dir))
    Image.fromarray(np.full((64, 64), 9, np.uint8)).save(paths[2])
    after = cached_pictures(paths, RECORD, cache_dir)
    assert set(after[2].ravel()) == {9}
    np.testing.assert_array_equal(np.delete(after, 2, 0), np.delete(before, 2, 0))


def test_every_option_of_the_geometry_has_its_own_cache_and_normalisation_none(
    paths: list[Path], cache_dir: Path
) -> None:
    records = [RECORD, replace(RECORD, size=16), replace(RECORD, resize="letterbox"), replace(RECORD, clahe=True)]
    records += [replace(RECORD, interpolation="bilinear"), replace(RECORD, supersampling=1.5)]
    records += [replace(RECORD, equalise_resolution=side) for side in (20, 24)]
    records += [replace(RECORD, clean_background=True), replace(RECORD, intensity="percentile")]
    for record in records:
        assert cached_pictures(paths, record, cache_dir).shape[1] == record.size
    assert len(list(cache_dir.glob("*.npy"))) == 10
    cached_pictures(paths, replace(RECORD, channels=1, mean=(0.5,), std=(0.1,)), cache_dir)
    assert len(list(cache_dir.glob("*.npy"))) == 10


def test_bilinear_sampling_is_done_on_the_full_decode(tmp_path: Path, cache_dir: Path) -> None:
    path = tmp_path / "large.jpg"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (256, 256), dtype=np.uint8)).save(path, quality=98)
    with Image.open(path) as image:
        full = np.asarray(image)
    expected = np.asarray(cv2.resize(full, (32, 32), interpolation=cv2.INTER_LINEAR)).astype(int)
    made = cached_pictures([path], replace(RECORD, interpolation="bilinear"), cache_dir)[0]
    assert np.abs(made - expected).max() <= 2


def test_all_broken_pictures_are_named_and_no_part_of_a_cache_is_left(paths: list[Path], cache_dir: Path) -> None:
    more = [paths[0].with_name(f"broken_{number:02d}.jpg") for number in range(15)]
    for path in more:
        path.write_bytes(b"not a picture")
    with pytest.raises(DataError) as caught:
        cached_pictures([*paths, *more], RECORD, cache_dir)
    text = str(caught.value)
    assert "15 of 21 images cannot be read" in text
    assert all(path.name in text for path in more)
    assert not any(path.name in text for path in paths)
    assert list(cache_dir.glob("pictures_*")) == list(cache_dir.glob(".*")) == []


def test_of_many_broken_pictures_the_error_names_twenty_and_the_log_the_others(
    cache_dir: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    broken = [tmp_path / f"broken_{number:03d}.jpg" for number in range(300)]
    for path in broken:
        path.write_bytes(b"not a picture")
    with pytest.raises(DataError) as caught:
        cached_pictures(broken, RECORD, cache_dir)
    text = str(caught.value)
    assert "300 of 300 images cannot be read" in text
    assert text.endswith("and 280 others, which the log names above")
    assert [path.name in text for path in broken] == [True] * 20 + [False] * 280
    assert len(caplog.messages) == 280
    assert all(path.name in line for path, line in zip(broken[20:], caplog.messages, strict=True))
    assert {record.levelname for record in caplog.records} == {"WARNING"}


def test_a_missing_picture_is_named(paths: list[Path], cache_dir: Path) -> None:
    with pytest.raises(DataError, match=r"none\.png cannot be read"):
        cached_pictures([*paths, paths[0].with_name("none.png")], RECORD, cache_dir)
    assert not cache_dir.exists()


def test_a_file_in_the_place_of_the_cache_folder_is_told(paths: list[Path], cache_dir: Path) -> None:
    cache_dir.write_text("a file")
    with pytest.raises(StorageError, match="a file stands where a folder is needed"):
        cached_pictures(paths, RECORD, cache_dir)


def test_no_pictures_make_an_empty_array(cache_dir: Path) -> None:
    assert cached_pictures([], RECORD, cache_dir).shape == (0, 32, 32)


def test_threads_that_build_the_same_cache_at_once_agree(paths: list[Path], cache_dir: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: np.array(cached_pictures(paths, RECORD, cache_dir)), range(4)))
    assert all(np.array_equal(result, results[0]) for result in results)
    assert len(list(cache_dir.glob("*.npy"))) == 1


def test_processes_that_build_the_same_cache_at_once_write_the_same_bytes(paths: list[Path], tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from osteolens.data.cache import cached_pictures;"
        "from osteolens.domain import Preprocessing;"
        "cached_pictures([Path(p) for p in sys.argv[2:]], Preprocessing(32, resize='stretch'), Path(sys.argv[1]))"
    )
    folders = [tmp_path / "shared", tmp_path / "shared", tmp_path / "alone"]
    runs = [
        subprocess.Popen([sys.executable, "-c", script, str(folder), *map(str, paths)])  # noqa: S603
        for folder in folders
    ]
    assert [run.wait(timeout=60) for run in runs] == [0, 0, 0]
    (shared,), (alone,) = tmp_path.joinpath("shared").glob("*.npy"), tmp_path.joinpath("alone").glob("*.npy")
    assert not list(tmp_path.joinpath("shared").glob(".*"))
    assert shared.name == alone.name
    assert shared.read_bytes() == alone.read_bytes()
    assert np.load(shared).shape == (6, 32, 32)
