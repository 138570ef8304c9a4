"""A server that does what a script says, and ZIPs of a small data set in the layout of the release."""

from __future__ import annotations

import hashlib
import io
import random
import threading
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import openpyxl
import pytest

from osteolens.data.acquisition import Release
from osteolens.data.acquisition.transfer import Patience
from osteolens.data.columns import COLUMN_NAMES

IMPATIENT = Patience(attempts=3, first_delay=0.0, longest_delay=0.0, timeout=5.0)


@dataclass
class Reply:
    """One answer of the server; the defaults are those of a good server."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None  # None: the file
    cut_after: int | None = None  # bytes of the body before the line drops
    stall_after: int | None = None  # bytes of the body before the server falls silent
    ranges: bool = True  # whether range requests are understood
    if_range: bool = True  # whether If-Range is
    length: bool = True  # whether the length is told


@dataclass
class Seen:
    """One request as the server saw it."""

    path: str
    range: str | None
    if_range: str | None
    sent: int = 0


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content = b""
        self.etag: str | None = '"first"'
        self.script: list[Reply] = []
        self.seen: list[Seen] = []
        self.go_on = threading.Event()

    def url(self, path: str = "/BTXRD.zip") -> str:
        return f"http://127.0.0.1:{self.server_address[1]}{path}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        server = self.server
        reply = server.script.pop(0) if server.script else Reply()
        seen = Seen(self.path, self.headers["Range"], self.headers["If-Range"])
        server.seen.append(seen)
        body = server.content if reply.body is None else reply.body
        status, headers = reply.status, dict(reply.headers)
        fresh = not reply.if_range or seen.if_range in {None, server.etag}
        if status == 200 and seen.range and reply.ranges and fresh:
            start = int(seen.range.removeprefix("bytes=").rstrip("-"))
            status = 206 if start < len(body) else 416
            headers.setdefault("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
            body = body[start:] if status == 206 else b""
        headers.setdefault("Content-Type", "application/zip")
        if server.etag:
            headers.setdefault("ETag", server.etag)
        if reply.length:
            headers.setdefault("Content-Length", str(len(body)))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        try:
            self.end_headers()
            self._send(body, reply, seen)
        except ConnectionError:
            self.close_connection = True

    def _send(self, body: bytes, reply: Reply, seen: Seen) -> None:
        if reply.stall_after is not None:
            self.wfile.write(body[: reply.stall_after])
            seen.sent = reply.stall_after
            self.server.go_on.wait(60)
            return
        sent = body if reply.cut_after is None else body[: reply.cut_after]
        seen.sent = len(sent)
        self.wfile.write(sent)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server on this machine; proxies of the environment are not asked for it."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield running
        running.go_on.set()
        running.shutdown()
        thread.join()


def workbook(image_ids: list[str]) -> bytes:
    """The metadata of a small data set: the first image is malignant, the rest are normal."""
    book = openpyxl.Workbook()
    book.active.append(list(COLUMN_NAMES))
    for number, name in enumerate(image_ids):
        tumour = {"tumor", "malignant", "osteosarcoma", "femur"} if number == 0 else set()
        cells = {"image_id": name, "center": 1, "age": 20 + number, "gender": "F"}
        flags = {column: int(column in tumour | {"frontal", "lower limb"}) for column in COLUMN_NAMES[4:]}
        book.active.append([*cells.values(), *flags.values()])
    raw = io.BytesIO()
    book.save(raw)
    return raw.getvalue()


@dataclass
class SmallSet:
    """A ZIP as odd as the real one, and what a data root made of it should hold."""

    entries: dict[str, bytes]
    images: dict[str, bytes]
    annotation: bytes

    def zip(self, **further: bytes) -> bytes:
        return make_zip({**self.entries, **further})

    def release(self, content: bytes, *urls: str, **changes: Any) -> Release:
        """What is known of the ZIP, by hashlib."""
        known = {
            "name": "Small",
            "urls": urls,
            "size": len(content),
            "md5": hashlib.md5(content, usedforsecurity=False).hexdigest(),
            "sha256": hashlib.sha256(content).hexdigest(),
            "images": {name.split(".")[0]: hashlib.sha256(data).hexdigest() for name, data in self.images.items()},
            "notice": "Cite the small set.",
        }
        return Release(**{**known, **changes})


def make_zip(entries: dict[str, bytes], change: Callable[[zipfile.ZipInfo], None] | None = None) -> bytes:
    """A ZIP with these members; `change` may alter what its directory says of them."""
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)  # without the time of writing
        for info in archive.filelist:
            if change:
                change(info)
    return raw.getvalue()


@pytest.fixture
def small_set() -> SmallSet:
    """Three incompressible pictures of 300 kB, one of them `.jpg`; one annotation, nested once more."""
    draw = random.Random(5)  # noqa: S311  content that does not compress
    names = ["IMG000001.jpeg", "IMG000002.jpeg", "IMG000003.jpg"]
    images = {name: draw.randbytes(300_000) for name in names}
    annotation = b'{"shapes": []}'
    entries = {
        "BTXRD/": b"",
        **{f"BTXRD/images/{name}": content for name, content in images.items()},
        "BTXRD/Annotations/IMG000001.json": annotation,
        "BTXRD/Annotations/Annotations/IMG000001.json": annotation,
        "BTXRD/dataset.xlsx": workbook([name.split(".")[0] + ".jpeg" for name in names]),
        "BTXRD/~$dataset(total).xlsx": b"\x07phantom",
    }
    return SmallSet(entries, images, annotation)


@pytest.fixture
def content(small_set: SmallSet, server: Server) -> bytes:
    """The ZIP that the server holds."""
    server.content = small_set.zip()
    return server.content


@pytest.fixture
def patience() -> Patience:
    return IMPATIENT


@pytest.fixture
def reply() -> type[Reply]:
    return Reply


@pytest.fixture
def zip_of() -> Callable[..., bytes]:
    return make_zip
