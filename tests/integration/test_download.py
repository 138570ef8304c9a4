"""`osteolens download` as a user meets it, on a ZIP as odd as that of the release, up to the audit."""

from __future__ import annotations

import functools
import json
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from command import osteolens

from osteolens.data.phantom import write_release_zip

IMAGES = 60  # of the small phantom


@pytest.fixture(scope="module")
def release_zip(phantom_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_release_zip(phantom_root, tmp_path_factory.mktemp("server") / "BTXRD.zip")


class _Silent(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def address(release_zip: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    handler = functools.partial(_Silent, directory=release_zip.parent)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/{release_zip.name}"
        server.shutdown()
        thread.join()


def test_from_a_server_to_an_audit(
    address: str, phantom_root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "data" / "small"
    command = ["download", "--url", address, "--any-zip", "--data", root]
    assert osteolens(*command, "--json", "-q") == 0
    captured = capsys.readouterr()
    answer = json.loads(captured.out)
    annotations = sorted(path.name for path in (phantom_root / "Annotations").iterdir())
    assert captured.err == ""
    assert (answer["record"]["images"], answer["record"]["annotations"]) == (IMAGES, len(annotations))
    assert answer["kept_zip"] == str(root.with_name("small.zip"))
    assert sorted(path.name for path in (root / "Annotations").iterdir()) == annotations
    assert (root / "dataset.csv").read_text() == (phantom_root / "dataset.csv").read_text()
    for path in (phantom_root / "images").iterdir():
        assert (root / "images" / path.name).read_bytes() == path.read_bytes()

    assert osteolens(*command) == 0
    text = capsys.readouterr().out
    assert f"{IMAGES} images" in text
    assert "already there, every file checked again" in text
    assert "not a known release" in text
    assert "put right: 1 left out, lock file of Excel: BTXRD/~$dataset(total).xlsx" in text

    options = ["-o", f"paths.cache_dir={tmp_path / 'cache'}", "--out", tmp_path / "audit", "--json", "-q"]
    assert osteolens("audit", "--data", root, *options) == 0
    assert json.loads(capsys.readouterr().out)["images"] == IMAGES


def test_a_zip_that_is_not_the_release_needs_a_word(
    release_zip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "small"
    assert osteolens("download", "--from-zip", release_zip, "--data", root) == 1
    error = capsys.readouterr().err
    assert "is not BTXRD: it has" in error
    assert "the release has 840,474,929" in error
    assert "--any-zip" in error
    assert not root.exists()
    assert osteolens("download", "--from-zip", release_zip, "--any-zip", "--data", root) == 0
    assert f"BTXRD.zip: {IMAGES} images" in capsys.readouterr().out
    assert release_zip.is_file()


def test_the_root_of_the_phantom_is_not_taken(
    release_zip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    command = ["download", "--from-zip", release_zip, "--any-zip"]
    assert osteolens(*command) == 0
    assert osteolens(*command, "-o", "data.root=elsewhere/set") == 0
    assert sorted(path.name for path in tmp_path.glob("*/*")) == [".btxrd.lock", ".set.lock", "btxrd", "set"]
    assert "osteolens audit --data data/btxrd" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["--url", "ftp://host/x.zip"], 2, "'ftp://host/x.zip' is not an http or https address"),
        (["--url", "http://host/x.zip", "--from-zip", "x.zip"], 2, "either --from-zip FILE or --url ADDRESS"),
        (["--any-zip"], 2, "which ZIP?"),
        (["--from-zip", "no/such.zip", "--data", "nowhere"], 1, "no/such.zip cannot be read: No such file"),
    ],
)
def test_a_mistake_is_one_sentence_and_the_right_code(  # noqa: PLR0917  fixtures
    arguments: list[str],
    code: int,
    sentence: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert osteolens("download", *arguments) == code
    captured = capsys.readouterr()
    assert sentence in captured.err
    assert "Traceback" not in captured.err + captured.out
