"""The node on the network, all in this process: what it takes, what it turns away, and what it says."""

from __future__ import annotations

import contextlib
import logging
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pydicom
import pytest
from dicom_answers import answer_for, write_radiograph
from dicom_network import Archive, archive, free_port, listens, wait_until
from pydicom.uid import ExplicitVRLittleEndian
from pynetdicom import AE
from pynetdicom.sop_class import Verification

from osteolens.data.images import read_grey
from osteolens.dicom_node.network import Limits, Peer
from osteolens.dicom_node.node import NodeOptions, serve
from osteolens.dicom_results.answered import AnsweredPicture
from osteolens.errors import StorageError

CR, CT = "1.2.840.10008.5.1.4.1.1.1", "1.2.840.10008.5.1.4.1.1.2"
LIMITS = Limits(callers=("MODALITY",), most_bytes=20_000, most_associations=2)


# pynetdicom drops the socket of a refused connection without closing it; it is closed when it is collected
pytestmark = pytest.mark.filterwarnings("ignore:Exception ignored in.*socket:pytest.PytestUnraisableExceptionWarning")


class Reader:
    """Answers for whatever can be read."""

    def answer(self, path: Path) -> AnsweredPicture:
        """Answer for a file."""
        return answer_for(read_grey(path))


@contextlib.contextmanager
def node(queue: Path, to: int, *, most_waiting: int = 10, limits: Limits = LIMITS) -> Iterator[int]:
    """Run a node and yield its port."""
    port, over = free_port(), threading.Event()
    options = NodeOptions(queue, Peer("127.0.0.1", to, "ARCHIVE"), "OSTEOLENS", "127.0.0.1", port, most_waiting, limits)
    thread = threading.Thread(target=serve, args=(options, Reader(), over.wait))
    thread.start()
    try:
        wait_until(lambda: listens(port))
        yield port
    finally:
        over.set()
        thread.join(30)
    assert not thread.is_alive()


def connected(port: int, *, calling: str = "MODALITY", called: str = "OSTEOLENS", classes: Any = (CR,)) -> Any:
    """Ask a node for an association."""
    entity = AE(ae_title=calling)
    for storage in (Verification, *classes):
        entity.add_requested_context(storage, [ExplicitVRLittleEndian])
    return entity.associate("127.0.0.1", port, ae_title=called)


def sent(port: int, *paths: Path) -> list[int | None]:
    """Send files in one association and return their status, None where the node breaks off."""
    association = connected(port)
    assert association.is_established
    statuses = [association.send_c_store(path).get("Status") for path in paths]
    association.release()
    return statuses


@pytest.fixture
def results() -> Iterator[Archive]:
    with archive() as kept:
        yield kept


def test_a_radiograph_comes_in_and_its_results_go_out_once(tmp_path: Path, results: Archive) -> None:
    path = write_radiograph(tmp_path / "a.dcm")
    with node(tmp_path / "queue", results.port) as port:
        assert sent(port, path, path) == [0, 0]
        wait_until(lambda: list((tmp_path / "queue" / "sent").glob("*.json")))
        assert sent(port, path) == [0]
    assert list(results.received.values()) == [1, 1, 1]
    assert not list((tmp_path / "queue" / "received").iterdir())
    assert not list((tmp_path / "queue" / "answered").iterdir())


def test_an_echo_is_answered(tmp_path: Path) -> None:
    with node(tmp_path, 1) as port:
        association = connected(port)
        assert association.send_c_echo().Status == 0
        association.release()


@pytest.mark.parametrize("names", [{"calling": "STRANGER"}, {"called": "OTHER"}])
def test_strangers_and_calls_for_others_are_turned_away(tmp_path: Path, names: dict[str, str]) -> None:
    with node(tmp_path, 1) as port:
        assert connected(port, **names).is_rejected


def test_other_kinds_of_objects_are_not_taken(tmp_path: Path) -> None:
    with node(tmp_path, 1) as port:
        association = connected(port, classes=(CR, CT))
        assert {context.abstract_syntax for context in association.accepted_contexts} == {Verification, CR}
        association.release()


def test_an_object_too_large_is_cut_off_and_the_node_goes_on(tmp_path: Path, results: Archive) -> None:
    large = write_radiograph(tmp_path / "large.dcm", side=1024)
    small = write_radiograph(tmp_path / "small.dcm", SOPInstanceUID="1.2.3.5")
    with node(tmp_path / "queue", results.port) as port:
        assert sent(port, large) == [None]
        assert sent(port, small) == [0]
        wait_until(lambda: len(results.received) == 3)


def test_an_object_a_little_too_large_is_turned_away(tmp_path: Path) -> None:
    large = write_radiograph(tmp_path / "large.dcm", side=101)  # 20,402 bytes of pixels
    with node(tmp_path / "queue", 1) as port:
        assert sent(port, large) == [0xA700]
        assert not list((tmp_path / "queue" / "received").iterdir())


def test_the_queue_of_a_node_is_for_its_owner(tmp_path: Path) -> None:
    with node(tmp_path / "queue", 1):
        assert (tmp_path / "queue").stat().st_mode & 0o777 == 0o700


def test_an_announced_length_is_not_believed(tmp_path: Path) -> None:
    with node(tmp_path, 1) as port:
        with socket.create_connection(("127.0.0.1", port)) as line:
            line.settimeout(20)
            line.sendall(b"\x01\x00\xff\xff\xff\xff" + bytes(100))
            with contextlib.suppress(ConnectionError):  # either way of ending it will do
                assert line.recv(100) in {b"", b"\x07\x00\x00\x00\x00\x04\x00\x00\x02\x00"}
        association = connected(port)
        assert association.is_established
        association.release()


def test_a_full_queue_says_so(tmp_path: Path) -> None:
    paths = [write_radiograph(tmp_path / f"{n}.dcm", SOPInstanceUID=f"1.2.{n}") for n in range(3)]
    with node(tmp_path / "queue", free_port(), most_waiting=2) as port:
        assert sent(port, *paths) == [0, 0, 0xA700]


def test_a_data_set_of_another_name_than_the_request_is_turned_away(tmp_path: Path) -> None:
    path = write_radiograph(tmp_path / "a.dcm")
    dataset = pydicom.dcmread(path)
    with node(tmp_path / "queue", 1) as port:
        association = connected(port)
        original = association.dimse.send_msg

        def renamed(request: Any, context: int) -> None:
            request.AffectedSOPInstanceUID = "9.9.9"
            original(request, context)

        association.dimse.send_msg = renamed
        assert association.send_c_store(dataset).Status == 0xA900
        association.release()
    assert not list((tmp_path / "queue" / "received").iterdir())


def test_a_picture_that_is_refused_has_a_record_and_no_results(tmp_path: Path, results: Archive) -> None:
    path = write_radiograph(tmp_path / "chest.dcm", BodyPartExamined="CHEST")
    with node(tmp_path / "queue", results.port) as port:
        assert sent(port, path) == [0]
        wait_until(lambda: list((tmp_path / "queue" / "refused").glob("*.json")))
    [record] = (tmp_path / "queue" / "refused").iterdir()
    assert "radiograph of the chest" in record.read_text()
    assert not results.received


def test_what_waits_when_a_node_stops_is_sent_by_the_next(tmp_path: Path) -> None:
    port = free_port()
    path = write_radiograph(tmp_path / "a.dcm")
    with node(tmp_path / "queue", port) as listening:
        assert sent(listening, path) == [0]
        wait_until(lambda: list((tmp_path / "queue" / "answered").glob("*")))
    with archive(port) as results, node(tmp_path / "queue", port):
        wait_until(lambda: len(results.received) == 3)
        wait_until(lambda: list((tmp_path / "queue" / "sent").glob("*.json")))


def test_a_destination_that_takes_no_segmentations_gets_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("osteolens.dicom_node.workers.FIRST_PAUSE", 0.01)
    capture, _, report = ("1.2.840.10008.5.1.4.1.1.7", "", "1.2.840.10008.5.1.4.1.1.88.33")
    with archive(classes=(capture, report)) as results, node(tmp_path / "queue", results.port) as port:
        sent(port, write_radiograph(tmp_path / "a.dcm"))
        wait_until(lambda: list((tmp_path / "queue" / "undelivered").glob("*/record.json")))
    assert len(results.received) == 2
    assert all(len(contents) == 1 for contents in results.contents.values())


def test_two_nodes_cannot_share_a_queue(tmp_path: Path) -> None:
    with node(tmp_path, 1):
        options = NodeOptions(tmp_path, Peer("127.0.0.1", 1, "A"), "B", "127.0.0.1", free_port(), 10, LIMITS)
        with pytest.raises(StorageError, match="another node uses the queue"):
            serve(options, Reader(), lambda: None)


def test_a_port_in_use_is_told(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        options = NodeOptions(tmp_path, Peer("127.0.0.1", 1, "A"), "B", "127.0.0.1", taken.getsockname()[1], 10, LIMITS)
        with pytest.raises(StorageError, match="cannot listen on"):
            serve(options, Reader(), lambda: None)


def test_no_patient_and_no_uid_comes_into_the_log(
    tmp_path: Path, results: Archive, caplog: pytest.LogCaptureFixture
) -> None:
    secrets = {"PatientName": "Secret^Name", "PatientID": "secret-id", "AccessionNumber": "secret-number"}
    path = write_radiograph(tmp_path / "a.dcm", **secrets, SOPInstanceUID="1.2.34567.89")
    chest = write_radiograph(tmp_path / "b.dcm", **secrets, SOPInstanceUID="1.2.34567.90", BodyPartExamined="CHEST")
    own = logging.getLogger("osteolens")
    own.addHandler(caplog.handler)
    try:
        with caplog.at_level(logging.DEBUG), node(tmp_path / "queue", results.port) as port:
            sent(port, path, chest)
            wait_until(lambda: len(results.received) == 3)
            wait_until(lambda: list((tmp_path / "queue" / "refused").glob("*.json")))
    finally:
        own.removeHandler(caplog.handler)
    assert "answered in" in caplog.text
    assert "ecret" not in caplog.text
    assert "34567" not in caplog.text


def test_without_the_extra_the_remedy_is_told() -> None:
    code = (
        "import sys\n"
        "sys.modules.update(dict.fromkeys(('pydicom', 'pynetdicom', 'highdicom')))\n"
        "from osteolens.dicom_node.node import serve\n"
        "from osteolens.errors import ConfigError\n"
        "try:\n"
        "    serve(None, None, None)\n"
        "except ConfigError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603
    assert "pip install 'osteolens[dicom]'" in done.stdout
