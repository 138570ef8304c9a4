"""The queue on disk: whatever step it is stopped in, an object is in one state, and none is lost."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from osteolens.dicom_node import spool as spool_module
from osteolens.dicom_node.spool import ANSWERED, RECEIVED, REFUSED, SENT, STATES, UNDELIVERED, Spool
from osteolens.storage import read_json


class Killed(BaseException):
    """Stands for the end of the process."""


def _write_results(folder: Path) -> None:
    (folder / "report.dcm").write_bytes(b"report")


def _states(root: Path) -> dict[str, list[str]]:
    """The states of each entry, by its hash."""
    found: dict[str, list[str]] = {}
    for state in STATES:
        for path in (root / state).iterdir():
            found.setdefault(path.name.partition(".")[0].partition("-")[2], []).append(state)
    return found


def _finish(spool: Spool) -> None:
    """Do what the workers do until nothing waits."""
    while (entry := spool.first(RECEIVED)) is not None:
        spool.keep_answer(entry, _write_results)
    while (entry := spool.first(ANSWERED)) is not None:
        spool.keep_sent(entry)


def test_objects_are_kept_in_order_of_receipt(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "queue", 10)
    for uid in ("1.9", "1.1", "1.5"):
        assert spool.add(uid, uid.encode()) == "queued"
    seen = []
    while (entry := spool.first(RECEIVED)) is not None:
        seen.append(spool.received_file(entry).read_bytes())
        spool.refuse(entry, "no reason")
    assert seen == [b"1.9", b"1.1", b"1.5"]


def test_an_object_is_known_whatever_became_of_it_and_also_later(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 10)
    steps: dict[str, Callable[[str], None]] = {
        "1": lambda _: None,
        "2": lambda entry: spool.keep_answer(entry, _write_results),
        "3": lambda entry: spool.refuse(entry, "no reason"),
    }
    for uid, step in steps.items():
        spool.add(uid, b"data")
        step(max(path.name.removesuffix(".dcm") for path in (tmp_path / RECEIVED).iterdir()))
    for queue in (spool, Spool(tmp_path, 10)):
        assert [queue.add(uid, b"data") for uid in steps] == ["known"] * 3
    _finish(spool)
    assert Spool(tmp_path, 10).add("2", b"data") == "known"


def test_a_full_queue_takes_nothing_until_something_is_done(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 2)
    assert [spool.add(uid, b"data") for uid in ("1", "2", "3")] == ["queued", "queued", "full"]
    spool.keep_answer(spool.first(RECEIVED) or "", _write_results)
    assert spool.add("3", b"data") == "full"  # the results wait for the destination
    spool.keep_sent(spool.first(ANSWERED) or "")
    assert spool.add("3", b"data") == "queued"


def test_a_uid_is_never_a_path(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "queue", 10)
    assert spool.add("../../outside", b"data") == "queued"
    assert [path.name for path in tmp_path.iterdir()] == ["queue"]
    assert "outside" not in " ".join(map(str, tmp_path.rglob("*")))


def test_later_objects_stay_behind_earlier_ones_when_the_clock_goes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Spool(tmp_path, 10).add("1", b"first")
    monkeypatch.setattr(spool_module.time, "time_ns", lambda: 5)
    spool = Spool(tmp_path, 10)
    spool.add("2", b"second")
    assert spool.received_file(spool.first(RECEIVED) or "").read_bytes() == b"first"


def test_records_tell_what_became_of_an_object(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 10)
    for uid in ("1", "2", "3"):
        spool.add(uid, b"data")
    spool.refuse(spool.first(RECEIVED) or "", "it is a CT image")
    spool.keep_answer(spool.first(RECEIVED) or "", _write_results)
    spool.keep_answer(spool.first(RECEIVED) or "", _write_results)
    spool.keep_sent(spool.first(ANSWERED) or "")
    spool.keep_undelivered(spool.first(ANSWERED) or "", {"report.dcm": "status 0122"})
    [refused], [sent] = list((tmp_path / REFUSED).iterdir()), list((tmp_path / SENT).iterdir())
    assert read_json(refused)["reason"] == "it is a CT image"
    assert read_json(sent)["objects"] == ["report.dcm"]
    [undelivered] = (tmp_path / UNDELIVERED).iterdir()
    assert read_json(undelivered / "record.json")["reasons"] == {"report.dcm": "status 0122"}
    assert (undelivered / "report.dcm").read_bytes() == b"report"
    assert spool.waiting == 0


@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_only_the_owner_enters_the_queue_and_reads_it_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        spool = Spool(tmp_path / "queue", 10)
        for uid in ("1", "2", "3"):
            spool.add(uid, b"data")
        spool.attempt(spool.first(RECEIVED) or "")
        spool.refuse(spool.first(RECEIVED) or "", "no reason")
        spool.keep_answer(spool.first(RECEIVED) or "", lambda _: None)
        spool.attempt(spool.first(RECEIVED) or "")
    finally:
        os.umask(before)
    found = [tmp_path / "queue", *(tmp_path / "queue").rglob("*")]
    folders = {stat.S_IMODE(path.stat().st_mode) for path in found if path.is_dir()}
    files = [stat.S_IMODE(path.stat().st_mode) for path in found if path.is_file()]
    assert folders == {0o700}
    assert files == [0o600] * 3  # an object, a record, a count of attempts


def test_attempts_are_counted_over_processes_and_forgotten_with_the_object(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 10)
    spool.add("1", b"data")
    entry = spool.first(RECEIVED) or ""
    assert [spool.attempt(entry), spool.attempt(entry), Spool(tmp_path, 10).attempt(entry)] == [1, 2, 3]
    spool.refuse(entry, "no reason")
    assert not list((tmp_path / "attempts").iterdir())


def test_results_that_cannot_be_written_can_be_written_later(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 10)
    spool.add("1", b"data")
    entry = spool.first(RECEIVED) or ""

    def fail(folder: Path) -> None:
        (folder / "capture.dcm").write_bytes(b"half")
        raise KeyError(folder.name)

    with pytest.raises(KeyError):
        spool.keep_answer(entry, fail)
    spool.keep_answer(entry, _write_results)
    assert [path.name for path in spool.answered_folder(entry).iterdir()] == ["report.dcm"]


STEPS: dict[str, Callable[[Spool], object]] = {
    "add": lambda spool: spool.add("new", b"data"),
    "answer": lambda spool: spool.keep_answer(spool.first(RECEIVED) or "", _write_results),
    "refuse": lambda spool: spool.refuse(spool.first(RECEIVED) or "", "no reason"),
    "send": lambda spool: spool.keep_sent(spool.first(ANSWERED) or ""),
    "set aside": lambda spool: spool.keep_undelivered(spool.first(ANSWERED) or "", {"report.dcm": "status 0122"}),
}


@pytest.mark.parametrize("moment", range(12))
@pytest.mark.parametrize("step", STEPS)
def test_a_kill_at_any_moment_of_a_step_leaves_each_object_in_one_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, moment: int
) -> None:
    spool = Spool(tmp_path, 10)
    for uid in ("old", "older"):
        spool.add(uid, b"data")
    spool.keep_answer(spool.first(RECEIVED) or "", _write_results)
    with monkeypatch.context() as patch:
        _kill_before_change(patch, moment)
        try:
            STEPS[step](spool)
        except Killed:
            died = True
        else:
            died = False
    again = Spool(tmp_path, 10)
    states = _states(tmp_path)
    assert all(len(found) == 1 for found in states.values())
    assert len(states) == 3 if step == "add" and not died else len(states) in {2, 3}
    assert again.add("old", b"data") == again.add("older", b"data") == "known"
    if step == "add":
        again.add("new", b"data")
    _finish(again)
    final = [found[0] for found in _states(tmp_path).values()]
    assert set(final) <= {SENT, REFUSED, UNDELIVERED}
    assert len(final) == (3 if step == "add" else 2)
    assert not list((tmp_path / "making").iterdir())


def _kill_before_change(patch: pytest.MonkeyPatch, moment: int) -> None:
    """End before the change of the disk with this number: a rename, a removal, or a flush of names."""
    changes = 0

    def counted(change: Callable[..., object]) -> Callable[..., object]:
        def killable(*arguments: object, **options: object) -> object:
            nonlocal changes
            changes += 1
            if changes > moment:
                raise Killed
            return change(*arguments, **options)

        return killable

    for owner, name in ((Path, "replace"), (Path, "unlink"), (spool_module.shutil, "rmtree"), (spool_module, "_flush")):
        patch.setattr(owner, name, counted(getattr(owner, name)))
