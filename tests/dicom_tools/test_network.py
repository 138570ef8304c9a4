"""The node between DCMTK's sender and a real Orthanc, and killed at random while objects come in."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

import killable
import numpy as np
import pydicom
import pytest
from dicom_network import archive, free_port, listens, run_tool, tool, wait_until
from PIL import Image

from osteolens.dicom_node.sending import RESULT_CLASSES
from osteolens.dicom_node.spool import STATES
from osteolens.dicom_results.results import FILE_ORDER
from osteolens.storage import read_json

pytestmark = [pytest.mark.dicom_tools, pytest.mark.slow]

Arguments = Callable[[Path, int, int], list[str]]
KILLS = 6


@contextlib.contextmanager
def node(arguments: list[str], port: int, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run the command as a service, and end it as a service is ended."""
    command = [sys.executable, "-m", "osteolens", *arguments]
    with log.open("ab") as stream, subprocess.Popen(command, stderr=stream) as process:  # noqa: S603
        try:
            wait_until(lambda: listens(port))
            yield process
        finally:
            process.terminate()
            process.wait(60)


def send(port: int, *paths: Path) -> int:
    """Send files with DCMTK and return its exit code."""
    return run_tool("storescu", "-aec", "OSTEOLENS", "127.0.0.1", str(port), *paths).returncode


def sent_objects(queue: Path) -> list[str]:
    """The names of all objects that the records tell to be sent; a map without evidence has no segmentation."""
    return [name for record in (queue / "sent").iterdir() for name in read_json(record)["objects"]]


def count(queue: Path, state: str) -> int:
    """The number of entries in a state, without those being written."""
    return sum(1 for path in (queue / state).iterdir() if not path.name.startswith("."))


def test_an_archive_has_the_results_beside_the_radiographs_and_shows_them(
    tmp_path: Path, radiographs: Path, orthanc: Any, node_arguments: Arguments
) -> None:
    tool("storescu")
    views, port, log = sorted(radiographs.iterdir())[:4], free_port(), tmp_path / "node.log"
    with node(node_arguments(tmp_path / "queue", port, orthanc.dicom), port, log) as process:
        assert run_tool("echoscu", "-aec", "OSTEOLENS", "127.0.0.1", str(port)).returncode == 0
        assert run_tool("storescu", "-aec", "ARCHIVE", "127.0.0.1", str(orthanc.dicom), *views).returncode == 0
        assert send(port, *views) == 0
        wait_until(lambda: count(tmp_path / "queue", "sent") == 4)
    assert process.returncode == 0
    assert "ecret" not in log.read_text()
    [study] = orthanc.json("/studies")
    series = [orthanc.json(f"/series/{name}") for name in orthanc.json(f"/studies/{study}")["Series"]]
    modalities = {one["MainDicomTags"]["Modality"]: one["Instances"] for one in series}
    assert {modality: len(instances) for modality, instances in modalities.items()} == {
        "CR": 4,
        "OT": 4,
        "SEG": sent_objects(tmp_path / "queue").count("segmentation.dcm"),
        "SR": 4,
    }
    for instance in modalities["OT"]:
        kept = pydicom.dcmread(io.BytesIO(orthanc.get(f"/instances/{instance}/file")))
        with Image.open(io.BytesIO(orthanc.get(f"/instances/{instance}/preview"))) as shown:
            np.testing.assert_array_equal(np.asarray(shown.convert("RGB")), kept.pixel_array)
    report = orthanc.json(f"/instances/{modalities['SR'][0]}/simplified-tags")
    assert report["VerificationFlag"] == "UNVERIFIED"


@pytest.fixture(scope="module")
def server() -> ForkServerContext:
    """Processes that begin with everything imported."""
    return killable.prepared_server()


def _send_until_taken(port: int, paths: list[Path], over: threading.Event) -> None:
    """Send each file, as a modality does, again and again until it is acknowledged."""
    for path in paths:
        while not over.is_set() and send(port, path) != 0:
            time.sleep(0.05)


def test_a_node_killed_again_and_again_answers_every_object_once(
    tmp_path: Path, radiographs: Path, node_arguments: Arguments, server: ForkServerContext
) -> None:
    tool("storescu")
    paths, port, over = sorted(radiographs.iterdir()), free_port(), threading.Event()
    moments = np.random.default_rng(20261122).uniform(0.05, 1.5, KILLS)
    queue = tmp_path / "queue"
    sender = threading.Thread(target=_send_until_taken, args=(port, paths, over))
    with archive() as results:
        arguments = node_arguments(queue, port, results.port)
        sender.start()
        try:
            for moment in moments:
                process = server.Process(target=killable._command, args=(arguments,))
                process.start()
                wait_until(lambda: listens(port))
                time.sleep(moment)
                killable.kill(process)
            process = server.Process(target=killable._command, args=(arguments,))
            process.start()
            wait_until(lambda: count(queue, "sent") + count(queue, "refused") == len(paths), 120)
        finally:
            over.set()
            sender.join(60)
        os.kill(process.pid or 0, signal.SIGTERM)
        process.join(60)
    assert process.exitcode == 0
    states = {state: count(queue, state) for state in (*STATES, "making", "attempts")}
    assert states == dict.fromkeys(states, 0) | {"sent": 11, "refused": 1}
    names = dict(zip(RESULT_CLASSES, FILE_ORDER, strict=True))
    assert sorted(names[kind] for kind in results.kinds.values()) == sorted(sent_objects(queue))
    assert sent_objects(queue).count("report.dcm") == 11
    assert all(len(content) == 1 for content in results.contents.values())  # what came twice was the same
