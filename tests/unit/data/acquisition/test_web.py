"""One answer judged."""

from __future__ import annotations

from email.message import Message
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request

import pytest

from osteolens.data.acquisition.web import RefusedError, TransientError, _Redirects, check_address, open_at
from osteolens.errors import ConfigError


def test_https_is_never_left_for_http() -> None:
    request = Request("https://figshare.com/x.zip")
    with pytest.raises(HTTPError, match="leads away") as refusal:
        _Redirects().redirect_request(request, None, 302, "Found", Message(), "http://figshare.com/x.zip")  # type: ignore[arg-type]
    refusal.value.close()
    onwards = _Redirects().redirect_request(request, None, 302, "Found", Message(), "https://s3/x.zip")  # type: ignore[arg-type]
    assert onwards is not None
    assert onwards.full_url == "https://s3/x.zip"


def test_packed_content_is_refused(server: Any, reply: Any) -> None:
    server.script = [reply(headers={"Content-Encoding": "gzip"})]
    with pytest.raises(RefusedError, match="packed content"):
        open_at(server.url(), 0, None, 5)


@pytest.mark.parametrize("place", ["bytes 0-9/10", "bytes 5-9", "", "lines 5-9/10"])
def test_a_part_that_was_not_asked_for_is_refused(server: Any, reply: Any, place: str) -> None:
    server.script = [reply(status=206, body=b"PK\x03\x04567890", headers={"Content-Range": place})]
    with pytest.raises(RefusedError, match="part of the file that was not asked for"):
        open_at(server.url(), 0, None, 5)


def test_a_busy_server_says_how_long_to_wait(server: Any, reply: Any) -> None:
    server.script = [reply(status=503, body=b"", headers={"Retry-After": "7"}), reply(status=503, body=b"")]
    with pytest.raises(TransientError, match="status 503") as busy:
        open_at(server.url(), 0, None, 5)
    assert busy.value.retry_after == 7
    with pytest.raises(TransientError) as busy:
        open_at(server.url(), 0, None, 5)
    assert busy.value.retry_after == 0


def test_the_program_names_itself_and_wants_no_packing(server: Any, content: bytes) -> None:
    answer = open_at(server.url(), 0, None, 5)
    answer.stream.close()
    assert (answer.start, answer.total, answer.validator) == (0, len(content), '"first"')


@pytest.mark.parametrize("url", ["http://127.0.0.1/ä.zip", "http://bücher.example/x.zip", "http://h/x.zip?a=µ"])
def test_an_address_with_other_letters_is_refused_with_what_to_do(url: str) -> None:
    with pytest.raises(ConfigError, match="address bar of a browser, which writes them with percent signs"):
        open_at(url, 0, None, 5)
    check_address("http://127.0.0.1/%C3%A4.zip")
    check_address("http://xn--bcher-kva.example/x.zip")


@pytest.mark.parametrize("host", ["a..b", "a" * 64 + ".example"])
def test_a_host_that_cannot_be_is_refused(host: str) -> None:
    with pytest.raises(ConfigError, match="not an http or https address"):
        open_at(f"http://{host}/x.zip", 0, None, 5)
