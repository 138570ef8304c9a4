"""The verbs of DICOM results and of the node."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pydicom
import pytest
from command import osteolens
from dicom_answers import write_radiograph
from exported import lively_checkpoint

from osteolens.inference.examination import GATE_NAMES


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    return lively_checkpoint(tmp_path / "tiny.pt")


def test_a_radiograph_gets_its_objects_by_one_command(
    tmp_path: Path, checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image = write_radiograph(tmp_path / "knee.dcm", side=128)
    out = tmp_path / "out"
    accepted = [word for gate in GATE_NAMES for word in ("--accept", gate)]
    arguments = ["--image", image, "--checkpoint", checkpoint, "--out", out, *accepted, "--json"]
    assert osteolens("dicom-results", *arguments) == 0
    told = json.loads(capsys.readouterr().out)
    assert {Path(path).name for path in told["files"]} >= {"capture.dcm", "report.dcm"}
    assert told["answer"]["label"] in {"Normal", "Benign", "Malignant"}
    assert all(pydicom.dcmread(path).StudyInstanceUID == "1.2" for path in told["files"])


def test_a_picture_that_is_no_dicom_file_has_no_objects(
    tmp_path: Path, checkpoint: Path, phantom_root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image = min((phantom_root / "images").iterdir())
    assert osteolens("dicom-results", "--image", image, "--checkpoint", checkpoint, "--out", tmp_path / "out") == 1
    assert "is not a DICOM file" in capsys.readouterr().err


@pytest.mark.parametrize(
    "verb", [["dicom-results", "--image", "a.dcm"], ["dicom-node", "--to", "a:1:A", "--queue", "q"]]
)
def test_a_checkpoint_is_asked_for(verb: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert osteolens(*verb) == 2
    assert "--checkpoint" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--to", "nowhere"], "is no destination"),
        (["--to", "a:1:A", "--aet", "a title too long for it"], "is no AE title"),
        (["--to", "a:1:A", "--allow", "\\"], "is no AE title"),
    ],
)
def test_a_wrong_address_is_told_before_anything_is_loaded(
    tmp_path: Path, arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    nowhere = ["--checkpoint", tmp_path / "missing.pt", "--queue", tmp_path / "queue"]
    assert osteolens("dicom-node", *arguments, *nowhere) == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "queue").exists()


def test_a_port_in_use_ends_the_node(tmp_path: Path, checkpoint: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        network = ["--to", "127.0.0.1:1:A", "--port", port, "--queue", tmp_path / "queue"]
        assert osteolens("dicom-node", "--checkpoint", checkpoint, *network) == 1
    assert "Choose another --host or --port" in capsys.readouterr().err
