"""Ends of a DICOM network for tests: programs of Debian packages, free ports, and an archive in this process."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from pynetdicom import AE, evt
from pynetdicom.sop_class import Verification

from osteolens.dicom_node.sending import RESULT_CLASSES

PATIENCE = 180.0  # seconds


def tool(name: str) -> str:
    """The path of a program; the test is skipped by its name where it is not installed."""
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"needs {name}: scripts/install_dicom_tools.sh")
    return path


def run_tool(name: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a program and return what it printed, whatever its exit code."""
    command = [tool(name), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=PATIENCE, check=False)  # noqa: S603


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(done: Callable[[], object], patience: float = PATIENCE) -> None:
    """Wait until something is true."""
    deadline = time.monotonic() + patience
    while not done():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.02)


def listens(port: int) -> bool:
    """Whether a server accepts connections."""
    with contextlib.closing(socket.socket()) as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@dataclass
class Archive:
    """What an archive has received: how often each object came, of which class, and with which bytes."""

    port: int
    status: int = 0x0000
    received: Counter[str] = field(default_factory=Counter)
    contents: dict[str, set[bytes]] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)

    def store(self, event: evt.Event) -> int:
        """Take an object, or answer with the status that was set."""
        if self.status == 0:
            uid = str(event.request.AffectedSOPInstanceUID)
            self.received[uid] += 1
            self.kinds[uid] = str(event.request.AffectedSOPClassUID)
            self.contents.setdefault(uid, set()).add(event.encoded_dataset(include_meta=False))
        return self.status


@contextlib.contextmanager
def archive(port: int | None = None, classes: tuple[str, ...] = RESULT_CLASSES) -> Iterator[Archive]:
    """Run an archive that takes results."""
    entity = AE(ae_title="ARCHIVE")
    for storage in (Verification, *classes):
        entity.add_supported_context(storage)
    kept = Archive(port or free_port())
    server = entity.start_server(("127.0.0.1", kept.port), block=False, evt_handlers=[(evt.EVT_C_STORE, kept.store)])
    try:
        yield kept
    finally:
        entity.shutdown()
        server.server_close()
