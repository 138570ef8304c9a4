"""The two workers of the node: one answers what was received, one sends what was answered."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from osteolens.data.dicom.identity import dicom_identity
from osteolens.data.dicom.parsing import parse
from osteolens.data.images import read_file
from osteolens.dicom_node.sending import Sender, Unreachable
from osteolens.dicom_node.spool import ANSWERED, RECEIVED, Spool
from osteolens.dicom_results.answered import Answerer
from osteolens.dicom_results.results import FILE_ORDER, make_results
from osteolens.dicom_results.uids import is_uid
from osteolens.errors import DataError, InferenceError, StorageError

MOST_ATTEMPTS = 10  # answers that are begun, by whatever ended, before a picture is taken to be the cause
MOST_REFUSALS = 5  # of a result by the destination, before it is set aside
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 300.0  # seconds
_AFTER_FAILURE = 10.0  # seconds
_LOOK_AGAIN = 1.0  # seconds: a worker that is not woken looks by itself

logger = logging.getLogger("osteolens")


class Worker(threading.Thread):
    """Does a step again and again until it is told to stop; between steps it can be woken.

    Parameters
    ----------
    step
        Returns the seconds to wait before the next, 0 for none, None where there is nothing to do.
    """

    def __init__(self, name: str, step: Callable[[], float | None]) -> None:
        super().__init__(name=name, daemon=True)
        self._step, self._stopping, self._woken = step, threading.Event(), threading.Event()

    def wake(self) -> None:
        """Tell that there may be something to do."""
        self._woken.set()

    def stop(self) -> None:
        """End after the step that is being done."""
        self._stopping.set()
        self._woken.set()

    def run(self) -> None:
        """Work; what goes wrong in a step is told, and it is tried again later."""
        while not self._stopping.is_set():
            self._woken.clear()
            try:
                pause = self._step()
            except Exception as error:  # noqa: BLE001  a worker that ended would leave the node deaf
                told = str(error) if isinstance(error, StorageError) else f"unexpected {type(error).__name__}."
                logger.error("%s: %s", self.name, told)  # noqa: TRY400  a traceback may hold a header
                pause = _AFTER_FAILURE
            if pause is None:
                self._woken.wait(_LOOK_AGAIN)
            elif pause:
                self._stopping.wait(pause)


class Answering:
    """The step from received to answered or refused."""

    def __init__(self, spool: Spool, answerer: Answerer, answered: Callable[[], None]) -> None:
        self._spool, self._answerer, self._answered = spool, answerer, answered

    def step(self) -> float | None:
        """Answer the object that was received first."""
        entry = self._spool.first(RECEIVED)
        if entry is None:
            return None
        if self._spool.attempt(entry) > MOST_ATTEMPTS:
            self._refuse(entry, f"its answer was begun {MOST_ATTEMPTS} times and never finished.")
            return 0.0
        begun = time.monotonic()
        try:
            self._answer(entry)
        except (DataError, InferenceError) as error:
            self._refuse(entry, str(error))
        except StorageError:
            raise
        except Exception as error:  # noqa: BLE001  the node goes on, whatever a picture does; the text may hold a header
            logger.error("%s: unexpected %s.", _short(entry), type(error).__name__)  # noqa: TRY400
            return FIRST_PAUSE
        else:
            logger.info("%s: answered in %.2f s.", _short(entry), time.monotonic() - begun)
            self._answered()
        return 0.0

    def _answer(self, entry: str) -> None:
        path = self._spool.received_file(entry)
        answer = self._answerer.answer(path)  # first, since its refusals tell more
        results = make_results(dicom_identity(path), answer, datetime.now().astimezone(), _short(entry))
        self._spool.keep_answer(entry, results.write)

    def _refuse(self, entry: str, reason: str) -> None:
        path = self._spool.received_file(entry)
        told = reason.replace(str(path), "the object").replace(path.name, "the object")  # its file goes
        self._spool.refuse(entry, told, _instance_uid(path))
        logger.warning("%s: refused: %s", _short(entry), told)


class Sending:
    """The step from answered to sent or undelivered."""

    def __init__(self, spool: Spool, destination: Sender) -> None:
        self._spool, self._destination = spool, destination
        self._pause, self._refusals = FIRST_PAUSE, 0

    def step(self) -> float | None:
        """Send the results that were received first."""
        entry = self._spool.first(ANSWERED)
        if entry is None:
            return None
        folder = self._spool.answered_folder(entry)
        try:
            refused = self._destination.send([folder / name for name in FILE_ORDER if (folder / name).exists()])
        except Unreachable as error:
            logger.warning("%s: not sent, %s; next try in %g s.", _short(entry), error, self._pause)
            return self._longer_pause()
        if refused and self._refusals + 1 < MOST_REFUSALS:
            self._refusals += 1
            logger.warning("%s: the destination refuses %s.", _short(entry), _listed(refused))
            return self._longer_pause()
        if refused:
            self._spool.keep_undelivered(entry, refused)
            logger.error("%s: set aside, the destination refuses %s.", _short(entry), _listed(refused))
        else:
            self._spool.keep_sent(entry)
            logger.info("%s: sent.", _short(entry))
        self._pause, self._refusals = FIRST_PAUSE, 0
        return 0.0

    def _longer_pause(self) -> float:
        pause, self._pause = self._pause, min(2 * self._pause, LONGEST_PAUSE)
        return pause


def _instance_uid(path: Path) -> str | None:
    """Return the UID of a received object; None where it has none that can be read."""
    try:
        uids = parse(read_file(path), "the object", ("SOPInstanceUID",), pixels=False).values("SOPInstanceUID")
    except DataError:
        return None
    return str(uids[0]) if len(uids) == 1 and is_uid(str(uids[0])) else None


def _short(entry: str) -> str:
    """Return the name of an entry in the log: of its hash, the first twelve letters."""
    return entry.partition("-")[2][:12]


def _listed(refused: dict[str, str]) -> str:
    return ", ".join(f"{name} ({reason})" for name, reason in refused.items())
