from __future__ import annotations

import logging
import multiprocessing
import sys
import threading
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest
from deadly_work import die, double

from osteolens.errors import InferenceError
from osteolens.inference.work_ahead import AHEAD, _require_alive, work_ahead

BATCHES = [["a", "b", "c"], ["d"], [], ["e", "f"]]


def lost(item: str) -> str:
    return f"{item} lost"


@pytest.mark.parametrize("workers", [0, 2])
def test_results_come_in_the_order_of_the_items(workers: int) -> None:
    found = list(work_ahead(BATCHES, double, lost, workers=workers))
    assert found == [["aa", "bb", "cc"], ["dd"], [], ["ee", "ff"]]


def test_no_more_is_begun_than_the_next_batches() -> None:
    begun: list[int] = []
    lock = threading.Lock()

    def note(item: int) -> int:
        with lock:
            begun.append(item)
        return item

    results = work_ahead([[number] for number in range(50)], note, note)
    assert next(results) == [0]
    assert max(begun) <= AHEAD
    assert next(results) == [1]
    assert max(begun) <= AHEAD + 1
    results.close()
    assert max(begun) <= AHEAD + 1


def test_an_error_of_the_work_is_raised_in_its_place() -> None:
    results = work_ahead([["1"], ["x"]], int, int)
    assert next(results) == [1]
    with pytest.raises(ValueError, match="'x'"):
        next(results)


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
@pytest.mark.slow
def test_what_kills_a_process_twice_is_lost_and_the_rest_is_done(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    batches = [["a", "b"], ["c", "deadly", "d"], [f"once {tmp_path / 'seen'}", "e"], ["f"]]
    with caplog.at_level(logging.WARNING, "osteolens"):
        found = list(work_ahead(batches, double, lost, workers=2))
    assert found == [["aa", "bb"], ["cc", "deadly lost", "dd"], ["onceonce", "ee"], ["ff"]]
    assert "a process that reads files was lost" in caplog.text


def test_processes_that_cannot_begin_are_not_blamed_on_files() -> None:
    spawn = multiprocessing.get_context("spawn")
    with (
        ProcessPoolExecutor(1, spawn, initializer=die, initargs=("",)) as pool,
        pytest.raises(InferenceError, match=r"Set inference\.workers to 0"),
    ):
        _require_alive(pool)
