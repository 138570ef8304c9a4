from __future__ import annotations

import io
import logging
import sys
from collections.abc import Iterator

import pytest

from osteolens import progress
from osteolens.progress import configure_logging, logger, track


@pytest.fixture(autouse=True)
def _logger_as_before() -> Iterator[None]:
    handlers, level, propagate = logger.handlers[:], logger.level, logger.propagate
    yield
    logger.handlers[:] = handlers
    logger.setLevel(level)
    logger.propagate = propagate


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_lines_are_written_when_there_is_no_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "SECONDS_BETWEEN_LINES", 0.0)
    configure_logging()
    assert list(track(["a", "b"], "hashing")) == ["a", "b"]
    captured = capsys.readouterr()
    assert captured.err.splitlines() == ["hashing: 1 of 2", "hashing: 2 of 2"]
    assert captured.out == ""


def test_an_unknown_number_of_items_is_said_to_be_unknown(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "SECONDS_BETWEEN_LINES", 0.0)
    configure_logging()
    assert list(track(iter([1]), "reading")) == [1]
    assert list(track(iter([1]), "reading", total=9)) == [1]
    assert capsys.readouterr().err.splitlines() == ["reading: 1 of ?", "reading: 1 of 9"]


def test_short_work_is_not_commented_on(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging()
    assert list(track(range(1000), "hashing")) == list(range(1000))
    assert capsys.readouterr().err == ""


def test_nothing_is_written_when_quiet(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "SECONDS_BETWEEN_LINES", 0.0)
    configure_logging(quiet=True)
    assert list(track([1, 2], "hashing")) == [1, 2]
    logger.info("an aside")
    assert capsys.readouterr().err == ""
    logger.warning("a warning")
    assert capsys.readouterr().err == "a warning\n"


def test_a_terminal_shows_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    configure_logging()
    assert list(track([1, 2, 3], "decoding")) == [1, 2, 3]
    assert "decoding" in terminal.getvalue()
    assert "100%" in terminal.getvalue()


def test_a_quiet_terminal_shows_no_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    configure_logging(quiet=True)
    assert list(track([1, 2, 3], "decoding")) == [1, 2, 3]
    assert terminal.getvalue() == ""


def test_logging_configured_twice_writes_a_line_once(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging()
    configure_logging()
    logging.getLogger("osteolens").info("once")
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "once\n")
