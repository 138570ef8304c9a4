"""A tiny model, radiographs that pass its gates, and a real archive."""

from __future__ import annotations

import contextlib
import json
import subprocess
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from dicom_files import file_bytes, radiograph
from dicom_network import free_port, listens, tool, wait_until
from exported import lively_checkpoint

from osteolens.data.images import read_grey
from osteolens.inference.examination import GATE_NAMES


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of random weights that answers and maps."""
    return lively_checkpoint(tmp_path_factory.mktemp("model") / "tiny.pt")


@pytest.fixture(scope="session")
def radiographs(phantom_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of twelve generated radiographs as DICOM files, views of three studies; the ninth is refused as tiny."""
    folder = tmp_path_factory.mktemp("radiographs")
    for number, picture in enumerate(sorted((phantom_root / "images").iterdir())[:12]):
        study = f"1.2.40.{number // 4}"
        identity = {"StudyInstanceUID": study, "SeriesInstanceUID": f"{study}.1", "InstanceNumber": number + 1}
        patient = {"PatientName": f"Secret^Number{number // 4}", "PatientID": f"P{number // 4}"}
        dataset = radiograph(read_grey(picture), SOPInstanceUID=f"{study}.1.{number + 1}", **identity, **patient)
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
        (folder / f"{number:02}.dcm").write_bytes(file_bytes(dataset))
    return folder


class Orthanc:
    """A running archive by its REST interface."""

    def __init__(self, http: int, dicom: int) -> None:
        self.http, self.dicom = http, dicom

    def get(self, path: str) -> bytes:
        """The answer to a request."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.http}{path}", timeout=30) as answer:
            return bytes(answer.read())

    def json(self, path: str) -> Any:
        """The same where it is JSON."""
        return json.loads(self.get(path))


@pytest.fixture
def orthanc(tmp_path: Path) -> Iterator[Orthanc]:
    """An archive of its own on free ports."""
    archive = Orthanc(free_port(), free_port())
    options = {
        "Name": "archive",
        "StorageDirectory": str(tmp_path / "orthanc"),
        "IndexDirectory": str(tmp_path / "orthanc"),
        "HttpPort": archive.http,
        "DicomPort": archive.dicom,
        "DicomAet": "ARCHIVE",
        "DicomAlwaysAllowStore": True,
        "AuthenticationEnabled": False,
        "RemoteAccessAllowed": False,
        "Plugins": [],
    }
    (tmp_path / "orthanc.json").write_text(json.dumps(options))
    with _running([tool("Orthanc"), str(tmp_path / "orthanc.json")], tmp_path / "orthanc.log"):
        wait_until(lambda: listens(archive.http) and listens(archive.dicom))
        yield archive


@contextlib.contextmanager
def _running(command: list[str], log: Path) -> Iterator[None]:
    with log.open("wb") as stream, subprocess.Popen(command, stdout=stream, stderr=stream) as process:  # noqa: S603
        try:
            yield
        finally:
            process.terminate()


Arguments = Callable[[Path, int, int], list[str]]


@pytest.fixture
def node_arguments(checkpoint: Path) -> Arguments:
    """The command line of a node by its queue, its port and the port of its destination.

    Only the gate of tiny pictures refuses: what else a network of random weights takes for odd is no matter here.
    """

    def arguments(queue: Path, port: int, to: int) -> list[str]:
        network = ["--port", str(port), "--to", f"127.0.0.1:{to}:ARCHIVE"]
        accepted = [word for gate in GATE_NAMES if gate != "tiny" for word in ("--accept", gate)]
        return ["dicom-node", "--checkpoint", str(checkpoint), "--queue", str(queue), *network, *accepted]

    return arguments
