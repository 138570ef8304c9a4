"""The queue on disk: where an object stands is where its file lies, so that no moment of a kill loses or doubles it.

::

    received/<entry>.dcm ──answered──▶ answered/<entry>/*.dcm ──sent──▶ sent/<entry>.json
            │                                   └──never taken──▶ undelivered/<entry>/*.dcm, record.json
            └──refused──▶ refused/<entry>.json

Each step first puts the new state in its place, by one rename after everything was flushed to the disk, and then
removes the old one. Where a kill leaves both, the later state counts: opening the queue removes the earlier.

An entry is named by the time of its receipt, which is its place in the queue, and by a hash of the object's UID, so
that no name on disk tells the UID or could lead out of the folder. Whatever the umask, only the owner of the process
may enter the folders that are made here and read the files.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

from osteolens.dicom_results.privacy import private_folder, private_writer
from osteolens.storage import storage_errors, to_json

RECEIVED, ANSWERED, SENT, UNDELIVERED, REFUSED = "received", "answered", "sent", "undelivered", "refused"
STATES = (RECEIVED, ANSWERED, SENT, UNDELIVERED, REFUSED)  # each counts before those to its left
RECORD = "record.json"
_MAKING, _ATTEMPTS = "making", "attempts"
_KEY_LETTERS = 32
_AGAIN = (
    "To have it answered all the same: stop the node, remove this record, start the node, with --accept GATE "
    "where a gate refused, and send the object again."
)

Added = Literal["queued", "known", "full"]


class Spool:
    """The queue in a folder. One process may hold it; its threads may call every method.

    Parameters
    ----------
    most_waiting
        Objects that may wait for their answer or for the destination; more are not taken.

    Raises
    ------
    StorageError
        The folder cannot be written.
    """

    def __init__(self, root: Path, most_waiting: int) -> None:
        self.root, self._most_waiting = root, most_waiting
        self._lock = threading.Lock()
        private_folder(root)
        with storage_errors(root):
            for name in (*STATES, _MAKING, _ATTEMPTS):
                private_folder(root / name)
            self._finish_steps()
            self._known = {_key_of(entry) for state in STATES for entry in self._entries(state)}
            self._last = max((_time_of(entry) for state in STATES for entry in self._entries(state)), default=0)

    def add(self, instance_uid: str, data: bytes) -> Added:
        """Take an object; when this returns ``queued`` it is on the disk and will be answered.

        An object that was taken before is ``known``, whatever became of it, and is not answered again.

        Raises
        ------
        StorageError
            It cannot be written; nothing was taken.
        """
        key = hashlib.sha256(instance_uid.encode()).hexdigest()[:_KEY_LETTERS]
        with self._lock:
            if key in self._known:
                return "known"
            if self.waiting >= self._most_waiting:
                return "full"
            received = max(time.time_ns(), self._last + 1)
            path = self.root / RECEIVED / f"{received:020d}-{key}.dcm"
            with private_writer(path) as stream:
                stream.write(data)
            _flush(path.parent)
            self._last = received
            self._known.add(key)
        return "queued"

    @property
    def waiting(self) -> int:
        """Objects that wait for their answer or for the destination."""
        return sum(1 for state in (RECEIVED, ANSWERED) for _ in self._entries(state))

    def first(self, state: str) -> str | None:
        """Return the entry of a state that was received first, or None."""
        return min(self._entries(state), default=None)

    def received_file(self, entry: str) -> Path:
        """Return the file of an object that waits for its answer."""
        return self.root / RECEIVED / f"{entry}.dcm"

    def answered_folder(self, entry: str) -> Path:
        """Return the folder of the results that wait for the destination."""
        return self.root / ANSWERED / entry

    def attempt(self, entry: str) -> int:
        """Count and return how often the answer of an entry was begun, now and by earlier processes."""
        path = self.root / _ATTEMPTS / entry
        attempts = int(path.read_text(encoding="ascii")) + 1 if path.exists() else 1
        with private_writer(path) as stream:
            stream.write(str(attempts).encode())
        return attempts

    def keep_answer(self, entry: str, write: Callable[[Path], Any]) -> None:
        """Let `write` put the results into a folder and move it to those that wait for the destination."""
        making = self.root / _MAKING / entry
        with storage_errors(making):
            _remove(making)  # where an earlier attempt failed
            private_folder(making)
            write(making)
            _flush(making)
            making.replace(self.answered_folder(entry))
            self._leave(entry, self.received_file(entry), ANSWERED)

    def refuse(self, entry: str, reason: str, instance_uid: str | None = None) -> None:
        """Keep why an object has no answer, and its UID where it is known; the object itself is removed."""
        record = {"state": REFUSED, "reason": reason, "sop_instance_uid": instance_uid, "again": _AGAIN, "at": _now()}
        _write_record(self.root / REFUSED / f"{entry}.json", record)
        with storage_errors(self.root):
            self._leave(entry, self.received_file(entry), REFUSED)

    def keep_sent(self, entry: str) -> None:
        """Remember that the destination has the results, and remove them here."""
        folder = self.answered_folder(entry)
        names = sorted(path.name for path in folder.glob("*.dcm"))
        _write_record(self.root / SENT / f"{entry}.json", {"state": SENT, "objects": names, "at": _now()})
        with storage_errors(self.root):
            self._leave(entry, folder, SENT)

    def keep_undelivered(self, entry: str, reasons: dict[str, str]) -> None:
        """Set results aside that the destination refuses, with its reason for each file."""
        folder = self.answered_folder(entry)
        _write_record(folder / RECORD, {"state": UNDELIVERED, "reasons": reasons, "at": _now()})
        with storage_errors(self.root):
            folder.replace(self.root / UNDELIVERED / entry)
            _flush(self.root / UNDELIVERED)
            _flush(folder.parent)

    def _leave(self, entry: str, old: Path, state: str) -> None:
        """Remove the state before, once that after is on the disk."""
        _flush(self.root / state)
        _remove(old)
        _flush(old.parent)
        (self.root / _ATTEMPTS / entry).unlink(missing_ok=True)

    def _finish_steps(self) -> None:
        """Remove what a kill left behind: unfinished writing, and states that a later one has followed."""
        _remove(self.root / _MAKING)
        private_folder(self.root / _MAKING)
        for state in (*STATES, _ATTEMPTS):
            for path in (self.root / state).glob(".*"):
                _remove(path)
        later: set[str] = set()
        for state in reversed(STATES):
            for path in list((self.root / state).iterdir()):
                if path.name.partition(".")[0] in later:
                    _remove(path)
            later |= set(self._entries(state))

    def _entries(self, state: str) -> Iterator[str]:
        """Yield the entries of a state, without those that are being written."""
        with os.scandir(self.root / state) as found:
            yield from (item.name.partition(".")[0] for item in found if not item.name.startswith("."))


def _key_of(entry: str) -> str:
    return entry.partition("-")[2]


def _time_of(entry: str) -> int:
    digits = entry.partition("-")[0]
    return int(digits) if digits.isdecimal() else 0


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S%z")


def _write_record(path: Path, record: dict[str, Any]) -> None:
    with private_writer(path) as stream:
        stream.write(to_json(record).encode())


def _flush(folder: Path) -> None:
    """Bring the names of a folder's files to the disk; the files' content is flushed when they are written."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
