"""The transfer against a server that redirects, breaks, lies and sends something else."""

from __future__ import annotations

import hashlib
import resource
from pathlib import Path
from typing import Any

import pytest

from osteolens.data.acquisition import Release, any_zip, transfer
from osteolens.data.acquisition.transfer import Patience, fetch, require_space
from osteolens.data.acquisition.web import RefusedError
from osteolens.errors import ConfigError, DataError, StorageError


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "work" / "archive.zip"


@pytest.fixture
def release(server: Any, content: bytes, small_set: Any) -> Release:
    """The ZIP of the server, known beforehand."""
    known: Release = small_set.release(content, server.url())
    return known


def part_of(target: Path) -> Path:
    return target.with_name("archive.zip.part")


def test_a_good_server_gives_the_file_and_its_digests(
    server: Any, release: Release, target: Path, patience: Patience
) -> None:
    digests = fetch(release, target, patience)
    assert target.read_bytes() == server.content
    assert digests.sha256 == hashlib.sha256(server.content).hexdigest()
    assert digests.md5 == hashlib.md5(server.content, usedforsecurity=False).hexdigest()
    assert not part_of(target).exists()


def test_a_dropped_line_is_continued_where_it_broke(
    server: Any, release: Release, target: Path, patience: Patience, reply: Any
) -> None:
    server.script = [reply(cut_after=400_000), reply(cut_after=100_000)]
    fetch(release, target, patience)
    assert target.read_bytes() == server.content
    assert [seen.range for seen in server.seen] == [None, "bytes=400000-", "bytes=500000-"]
    assert {seen.if_range for seen in server.seen[1:]} == {'"first"'}
    assert sum(seen.sent for seen in server.seen) == len(server.content)  # no byte came twice


def test_a_later_call_continues_what_an_earlier_one_left(
    server: Any, release: Release, target: Path, reply: Any
) -> None:
    server.script = [reply(cut_after=333_333)]
    with pytest.raises(DataError, match="run the same command again"):
        fetch(release, target, Patience(attempts=1))
    assert not target.exists()
    assert fetch(release, target, Patience()).size == len(server.content)
    assert target.read_bytes() == server.content
    assert server.seen[1].range == "bytes=333333-"


def test_a_complete_part_is_not_asked_for_again(
    server: Any, release: Release, target: Path, patience: Patience
) -> None:
    target.parent.mkdir()
    part_of(target).write_bytes(server.content)
    fetch(release, target, patience)
    assert target.read_bytes() == server.content
    assert server.seen == []


@pytest.mark.parametrize("surplus", [b"", b"more than the file"])
def test_a_damaged_part_never_becomes_the_file(
    server: Any, release: Release, target: Path, patience: Patience, surplus: bytes
) -> None:
    target.parent.mkdir()
    part_of(target).write_bytes(b"PK\x03\x04" + bytes(len(server.content) - 4) + surplus)
    if not surplus:
        with pytest.raises(DataError, match=r"MD5 is .* and its SHA-256 is .* was dropped"):
            fetch(release, target, patience)
        assert not part_of(target).exists()
    fetch(release, target, patience)
    assert target.read_bytes() == server.content


def test_a_server_without_ranges_sends_all_again(
    server: Any, release: Release, target: Path, patience: Patience, reply: Any
) -> None:
    server.script = [reply(cut_after=400_000), reply(ranges=False)]
    fetch(release, target, patience)
    assert target.read_bytes() == server.content
    assert [seen.sent for seen in server.seen] == [400_000, len(server.content)]


@pytest.mark.parametrize("if_range", [True, False])
def test_a_file_changed_on_the_server_is_not_spliced(
    server: Any, content: bytes, small_set: Any, target: Path, reply: Any, *, if_range: bool
) -> None:
    release = any_zip("a ZIP", server.url())
    server.script = [reply(cut_after=400_000)]
    with pytest.raises(DataError, match="the connection broke after 400,000 of"):
        fetch(release, target, Patience(attempts=1))
    server.content = small_set.zip(**{"BTXRD/images/IMG000001.jpeg": small_set.images["IMG000003.jpg"]})
    server.etag = '"second"'
    server.script = [reply(if_range=if_range)]
    fetch(release, target, Patience())
    assert target.read_bytes() == server.content
    assert server.content[:400_000] != content[:400_000]
    assert server.seen[1].if_range == '"first"'


def test_without_digests_and_validator_nothing_is_continued(
    server: Any, content: bytes, target: Path, patience: Patience, reply: Any
) -> None:
    server.etag = None
    server.script = [reply(cut_after=400_000)]
    fetch(any_zip("a ZIP", server.url()), target, patience)
    assert target.read_bytes() == content
    assert [seen.range for seen in server.seen] == [None, None]


def test_a_weak_etag_gives_way_to_the_date(
    server: Any, content: bytes, target: Path, patience: Patience, reply: Any
) -> None:
    date = "Sat, 21 Nov 2026 10:00:00 GMT"
    headers = {"ETag": 'W/"weak"', "Last-Modified": date}
    server.script = [reply(cut_after=400_000, headers=headers), reply(if_range=False, headers=headers)]
    fetch(any_zip("a ZIP", server.url()), target, patience)
    assert target.read_bytes() == content
    assert server.seen[1].if_range == date


def test_a_server_that_no_longer_has_that_many_bytes_is_asked_from_the_beginning(
    server: Any, content: bytes, target: Path, reply: Any
) -> None:
    release = any_zip("a ZIP", server.url())
    server.script = [reply(cut_after=800_000)]
    with pytest.raises(DataError):
        fetch(release, target, Patience(attempts=1))
    server.content = content[:700_000]  # shorter now, under the same ETag
    fetch(release, target, Patience(attempts=1))
    assert target.read_bytes() == server.content
    assert [seen.range for seen in server.seen] == [None, "bytes=800000-", None]


@pytest.mark.parametrize("body", [b"<!DOCTYPE html><p>Please log in", b"<html>"])
@pytest.mark.parametrize("kind", ["text/html; charset=utf-8", "application/zip"])
def test_a_web_page_is_not_taken_for_the_zip(  # noqa: PLR0917  fixtures
    server: Any, target: Path, patience: Patience, reply: Any, body: bytes, kind: str
) -> None:
    server.script = [reply(body=body, headers={"Content-Type": kind})]
    with pytest.raises(RefusedError, match="--from-zip FILE"):
        fetch(any_zip("a ZIP", server.url()), target, patience)
    assert not target.exists()
    assert part_of(target).stat().st_size == 0
    assert len(server.seen) == 1


def test_a_web_page_in_between_does_not_cost_what_has_arrived(
    server: Any, release: Release, target: Path, patience: Patience, reply: Any
) -> None:
    page = reply(body=b"<html>", headers={"Content-Type": "text/html"}, ranges=False, length=False)
    server.script = [reply(cut_after=400_000), page]
    with pytest.raises(RefusedError, match="web page instead of the ZIP"):
        fetch(release, target, patience)
    fetch(release, target, patience)
    assert target.read_bytes() == server.content
    assert server.seen[2].range == "bytes=400000-"


def test_a_wrong_length_is_refused_before_a_byte_is_kept(
    server: Any, content: bytes, small_set: Any, target: Path, patience: Patience
) -> None:
    release = small_set.release(content, server.url(), size=len(content) + 1)
    with pytest.raises(RefusedError, match=f"offers a file of {len(content):,} bytes"):
        fetch(release, target, patience)
    assert part_of(target).stat().st_size == 0


def test_more_than_the_file_is_cut_off(
    server: Any, release: Release, target: Path, patience: Patience, reply: Any
) -> None:
    server.script = [reply(body=server.content + b"and more", length=False)]
    with pytest.raises(RefusedError, match="sends more than"):
        fetch(release, target, patience)
    assert not target.exists()


def test_less_than_promised_every_time_is_given_up_with_the_part_kept(
    server: Any, release: Release, target: Path, patience: Patience, reply: Any
) -> None:
    server.script = [reply(cut_after=500_000, ranges=False)] * 9
    with pytest.raises(RefusedError, match=r"3 times in a row\. What has arrived is kept"):
        fetch(release, target, patience)
    assert len(server.seen) == 3
    assert part_of(target).read_bytes() == server.content[:500_000]


def test_a_busy_server_is_tried_again_after_growing_pauses(
    server: Any, release: Release, target: Path, reply: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(transfer.time, "sleep", pauses.append)
    server.script = [reply(status=code) for code in (503, 502, 429, 500)]
    server.script[2].headers["Retry-After"] = "30"
    fetch(release, target, Patience(attempts=9, first_delay=2, longest_delay=20))
    assert target.read_bytes() == server.content
    assert pauses == [2, 4, 20, 16]  # doubled; Retry-After within the longest pause


def test_a_wrong_digest_is_told_and_dropped(
    server: Any, content: bytes, small_set: Any, target: Path, patience: Patience
) -> None:
    release = small_set.release(content, server.url(), md5="0" * 32)
    with pytest.raises(DataError, match=rf"its MD5 is [0-9a-f]{{32}}, not {'0' * 32}"):
        fetch(release, target, patience)
    assert not target.exists()
    assert not part_of(target).exists()


def test_a_silent_server_counts_as_a_broken_line(server: Any, release: Release, target: Path, reply: Any) -> None:
    server.script = [reply(stall_after=300_000)]
    patience = Patience(attempts=2, first_delay=0, timeout=0.3)
    fetch(release, target, patience)
    assert target.read_bytes() == server.content
    assert server.seen[1].range == "bytes=300000-"


def test_nobody_there_is_said(target: Path, small_set: Any, server: Any, patience: Patience) -> None:
    url = server.url()
    server.server_close()
    with pytest.raises(DataError, match=r"Connection refused.* 3 times in a row"):
        fetch(small_set.release(b"", url, size=9), target, patience)


def test_a_challenge_at_the_first_address_leads_to_the_second(  # noqa: PLR0917  fixtures
    server: Any, content: bytes, small_set: Any, target: Path, patience: Patience, reply: Any
) -> None:
    server.script = [reply(status=202, body=b"", headers={"x-amzn-waf-action": "challenge"})]
    fetch(small_set.release(content, server.url("/first"), server.url("/second")), target, patience)
    assert target.read_bytes() == content
    assert [seen.path for seen in server.seen] == ["/first", "/second"]


@pytest.mark.parametrize("if_range", [True, False])
def test_a_mirror_with_another_etag_continues_what_the_first_address_began(  # noqa: PLR0917  fixtures
    server: Any, content: bytes, small_set: Any, target: Path, patience: Patience, reply: Any, *, if_range: bool
) -> None:
    server.script = [
        reply(cut_after=400_000, headers={"ETag": '"of the first"'}),
        reply(status=404, body=b""),
        reply(cut_after=100_000, if_range=if_range),
        reply(if_range=if_range),
    ]
    fetch(small_set.release(content, server.url("/first"), server.url("/mirror")), target, patience)
    assert target.read_bytes() == content
    assert [(seen.path, seen.range) for seen in server.seen[2:]] == [
        ("/mirror", "bytes=400000-"),
        ("/mirror", "bytes=500000-"),
    ]
    assert [seen.sent for seen in server.seen[2:]] == [100_000, len(content) - 500_000]
    assert server.seen[1].if_range == '"of the first"'  # the first address is still asked whether its file is the same


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_redirects_are_followed_and_the_range_goes_along(  # noqa: PLR0917  fixtures
    server: Any, release: Release, target: Path, patience: Patience, reply: Any, code: int
) -> None:
    moved = reply(status=code, headers={"Location": "/elsewhere.zip"}, body=b"")
    server.script = [moved, reply(cut_after=400_000), moved]
    fetch(release, target, patience)
    assert target.read_bytes() == server.content
    assert [(seen.path, seen.range) for seen in server.seen[2:]] == [
        ("/BTXRD.zip", "bytes=400000-"),
        ("/elsewhere.zip", "bytes=400000-"),
    ]


@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://127.0.0.1/x.zip", "data:,PK", "/BTXRD.zip"])
def test_redirects_elsewhere_or_in_circles_are_refused(
    server: Any, target: Path, patience: Patience, reply: Any, location: str
) -> None:
    server.script = [reply(status=302, headers={"Location": location}, body=b"")] * 30
    with pytest.raises(RefusedError, match="redirect"):
        fetch(any_zip("a ZIP", server.url()), target, patience)
    assert len(server.seen) <= 11


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_a_final_refusal_is_not_asked_twice(
    server: Any, target: Path, patience: Patience, reply: Any, status: int
) -> None:
    server.script = [reply(status=status, body=b"")]
    with pytest.raises(RefusedError, match=f"status {status}"):
        fetch(any_zip("a ZIP", server.url()), target, patience)
    assert len(server.seen) == 1


@pytest.mark.parametrize("url", ["ftp://h/x.zip", "file:///x.zip", "btxrd.zip", "http://", "http://[x", "http://a b/"])
def test_other_addresses_are_a_wrong_usage(target: Path, patience: Patience, url: str) -> None:
    with pytest.raises(ConfigError, match="not an http or https address"):
        fetch(any_zip("a ZIP", url), target, patience)


def test_a_full_disk_keeps_what_fitted(server: Any, release: Release, target: Path, patience: Patience) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, before[1]))
    try:
        with pytest.raises(StorageError, match="cannot write"):
            fetch(release, target, patience)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert part_of(target).read_bytes() == server.content[:500_000]
    fetch(release, target, patience)
    assert target.read_bytes() == server.content
    assert server.seen[1].range == "bytes=500000-"


def test_space_is_asked_for_beforehand(tmp_path: Path) -> None:
    require_space(tmp_path, 1)
    with pytest.raises(StorageError, match=r"1000000000.00 GB are needed"):
        require_space(tmp_path, 10**18)
