"""Addresses and titles."""

from __future__ import annotations

import pytest

from osteolens.dicom_node.network import Peer, checked_title
from osteolens.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "peer"),
    [
        ("archive.example:4242:ARCHIVE", Peer("archive.example", 4242, "ARCHIVE")),
        ("[::1]:104:MY ARCHIVE", Peer("::1", 104, "MY ARCHIVE")),
    ],
)
def test_a_destination_is_read(text: str, peer: Peer) -> None:
    assert Peer.from_text(text) == peer


@pytest.mark.parametrize("text", ["", "archive", "archive:104", ":104:A", "archive:0:A", "archive:65536:A", "a:b:C"])
def test_what_is_no_destination_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="HOST:PORT:AET"):
        Peer.from_text(text)


@pytest.mark.parametrize("title", ["", "  ", "seventeen letters", "a\\b", "é", "a\nb"])
def test_what_is_no_title_is_refused(title: str) -> None:
    with pytest.raises(ConfigError, match="AE title"):
        checked_title(title)
