"""The steps of the two workers: what is refused, what is tried again, and in which order."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from dicom_answers import answer_for, write_radiograph

from osteolens.data.images import read_grey
from osteolens.dicom_node.sending import Unreachable
from osteolens.dicom_node.spool import ANSWERED, RECEIVED, REFUSED, UNDELIVERED, Spool
from osteolens.dicom_node.workers import MOST_ATTEMPTS, MOST_REFUSALS, Answering, Sending, Worker
from osteolens.dicom_results.answered import AnsweredPicture
from osteolens.errors import GateError, StorageError
from osteolens.storage import read_json


class Reader:
    """Answers like a model would, after `before` had its say."""

    def __init__(self, before: Callable[[], None] = lambda: None) -> None:
        self.before, self.asked = before, 0

    def answer(self, path: Path) -> AnsweredPicture:
        """Answer for a file."""
        self.asked += 1
        self.before()
        return answer_for(read_grey(path))


class Line:
    """A way to a destination that behaves as it is told, a call at a time."""

    def __init__(self, *behaviour: dict[str, str] | Exception) -> None:
        self.behaviour, self.sent = list(behaviour), []

    def send(self, files: Sequence[Path]) -> dict[str, str]:
        """Send files."""
        now = self.behaviour.pop(0) if self.behaviour else {}
        if isinstance(now, Exception):
            raise now
        self.sent.append([path.name for path in files])
        return now


def _fail(error: Exception) -> Callable[[], None]:
    def fail() -> None:
        raise error

    return fail


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    queue = Spool(tmp_path / "queue", 10)
    for number in (1, 2):
        uid = f"1.2.{number}"
        path = write_radiograph(tmp_path / f"{number}.dcm", SOPInstanceUID=uid, PatientName="Secret^One")
        queue.add(uid, path.read_bytes())
    return queue


def _answered(spool: Spool) -> Spool:
    answering = Answering(spool, Reader(), lambda: None)
    while answering.step() is not None:
        pass
    return spool


def test_an_object_is_answered_and_the_sender_told(spool: Spool) -> None:
    told: list[str] = []
    answering = Answering(spool, Reader(), lambda: told.append("answered"))
    assert answering.step() == 0.0
    assert told == ["answered"]
    names = {path.name for path in spool.answered_folder(spool.first(ANSWERED) or "").iterdir()}
    assert names == {"capture.dcm", "segmentation.dcm", "report.dcm"}
    answering.step()
    assert answering.step() is None


def test_a_picture_that_is_refused_leaves_its_reason_and_nothing_else(spool: Spool, tmp_path: Path) -> None:
    refusal = GateError("it is blank or nearly so", gate="blank")
    Answering(spool, Reader(_fail(refusal)), lambda: None).step()
    [record] = (tmp_path / "queue" / REFUSED).iterdir()
    assert read_json(record)["reason"] == "it is blank or nearly so"
    assert len(list((tmp_path / "queue" / RECEIVED).iterdir())) == 1


def test_a_refusal_names_the_object_not_the_file_that_is_gone_and_tells_the_way_back(
    spool: Spool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = spool.received_file(spool.first(RECEIVED) or "")
    logging.getLogger("osteolens").addHandler(caplog.handler)
    Answering(spool, Reader(_fail(GateError(f"{path} is blank.", gate="blank"))), lambda: None).step()
    logging.getLogger("osteolens").removeHandler(caplog.handler)
    [record] = (tmp_path / "queue" / REFUSED).iterdir()
    told = read_json(record)
    assert (told["reason"], told["sop_instance_uid"]) == ("the object is blank.", "1.2.1")
    assert "remove this record" in told["again"]
    assert "refused: the object is blank." in caplog.text
    assert path.name not in record.read_text() + caplog.text
    record.unlink()
    assert Spool(tmp_path / "queue", 10).add("1.2.1", b"again") == "queued"


def test_a_header_that_does_not_conform_is_told_by_the_name_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    spool = Spool(tmp_path / "queue", 10)
    spool.add("1.2.3.4", write_radiograph(tmp_path / "a.dcm", PatientID="secret\\two").read_bytes())
    logging.getLogger("osteolens").addHandler(caplog.handler)
    Answering(spool, Reader(), lambda: None).step()
    logging.getLogger("osteolens").removeHandler(caplog.handler)
    short = hashlib.sha256(b"1.2.3.4").hexdigest()[:12]
    assert f"{short}: not as the standard asks, so not taken over: PatientID." in caplog.text
    assert "secret" not in caplog.text


def test_a_file_that_is_damaged_is_refused(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 10)
    spool.add("1", b"no DICOM file")
    Answering(spool, Reader(), lambda: None).step()
    assert len(list((tmp_path / REFUSED).iterdir())) == 1


def test_a_picture_that_always_fails_is_refused_after_some_attempts_and_its_error_not_repeated(
    spool: Spool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    reader = Reader(_fail(ValueError("Secret^One")))
    answering = Answering(spool, reader, lambda: None)
    with caplog.at_level(logging.DEBUG, logger="osteolens"):
        logging.getLogger("osteolens").addHandler(caplog.handler)
        for _ in range(MOST_ATTEMPTS):
            assert answering.step() == 1.0
        assert answering.step() == 0.0
        logging.getLogger("osteolens").removeHandler(caplog.handler)
    assert reader.asked == MOST_ATTEMPTS
    [record] = (tmp_path / "queue" / REFUSED).iterdir()
    assert "10 times" in read_json(record)["reason"]
    assert "ValueError" in caplog.text
    assert "Secret" not in caplog.text


def test_a_full_disk_is_no_fault_of_the_picture(spool: Spool) -> None:
    answering = Answering(spool, Reader(_fail(StorageError("no space left"))), lambda: None)
    with pytest.raises(StorageError):
        answering.step()
    assert spool.first(RECEIVED) is not None


def test_results_are_sent_in_order_and_the_report_last(spool: Spool) -> None:
    line = Line()
    sending = Sending(_answered(spool), line)
    assert [sending.step(), sending.step(), sending.step()] == [0.0, 0.0, None]
    assert line.sent == [["capture.dcm", "segmentation.dcm", "report.dcm"]] * 2
    assert spool.waiting == 0


def test_a_destination_that_is_down_is_tried_again_with_longer_pauses_and_loses_nothing(spool: Spool) -> None:
    sending = Sending(_answered(spool), Line(*[Unreachable("no association")] * 11))
    first = spool.first(ANSWERED)
    assert [sending.step() for _ in range(11)] == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]
    assert spool.first(ANSWERED) == first
    assert sending.step() == 0.0
    assert spool.first(ANSWERED) != first


def test_results_that_are_always_refused_are_set_aside_and_the_next_are_sent(spool: Spool, tmp_path: Path) -> None:
    refused = {"segmentation.dcm": "status 0122"}
    sending = Sending(_answered(spool), Line(*[refused] * MOST_REFUSALS))
    pauses = [sending.step() for _ in range(MOST_REFUSALS)]
    assert pauses == [1, 2, 4, 8, 0.0]
    [folder] = (tmp_path / "queue" / UNDELIVERED).iterdir()
    assert read_json(folder / "record.json")["reasons"] == refused
    assert sending.step() == 0.0
    assert spool.waiting == 0


def test_a_worker_goes_on_after_a_step_that_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("osteolens.dicom_node.workers._AFTER_FAILURE", 0.001)
    steps = []

    def step() -> float | None:
        steps.append(len(steps))
        if len(steps) == 1:
            raise StorageError("no space left")
        if len(steps) == 2:
            raise ValueError
        worker.stop()
        return None

    worker = Worker("a worker", step)
    worker.start()
    worker.join(10)
    assert steps == [0, 1, 2]
