"""A page taken apart: elements, headings and tables."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

_VOID = {"meta", "img", "br", "link", "hr", "input"}
_CELLS = {"td", "th"}


class Page(HTMLParser):
    """The page as elements, headings and tables, in the order in which they stand; it fails on unbalanced tags."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.headings: list[tuple[int, str]] = []
        self.tables: dict[str, list[list[str]]] = {}
        self._words: list[str] = []
        self._open: list[str] = []
        self._rows: list[list[str]] = []
        self._caption = ""
        self.raw = path.read_text(encoding="utf-8")
        self.feed(self.raw)
        assert self._open == []
        self.text = " ".join(" ".join(self._words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in _VOID:
            self._open.append(tag)
        if tag == "table":
            self._rows, self._caption = [], ""
        elif tag == "tr":
            self._rows.append([])
        elif tag in _CELLS:
            self._rows[-1].append("")
        elif re.fullmatch("h[1-6]", tag):
            self.headings.append((int(tag[1]), ""))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag
        if tag == "table":
            assert self._caption not in self.tables
            self.tables[self._caption] = self._rows

    def handle_data(self, data: str) -> None:
        if {"style", "title", "script"} & set(self._open):
            return
        data = data.replace("\N{EN DASH}", "-").replace("\N{MINUS SIGN}", "-")
        if "sup" not in self._open:  # numbers of footnotes
            self._words.append(data)
        if self._open and re.fullmatch("h[1-6]", self._open[-1]):
            self.headings[-1] = (self.headings[-1][0], self.headings[-1][1] + data)
        elif "caption" in self._open:
            self._caption += data
        elif _CELLS & set(self._open) and "sup" not in self._open:
            self._rows[-1][-1] += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """Return the attributes of every element of a kind."""
        return [attributes for name, attributes in self.elements if name == tag]

    def table(self, beginning: str) -> dict[str, dict[str, str]]:
        """Return row name to heading to cell of the one table whose caption begins so."""
        (found,) = [rows for caption, rows in self.tables.items() if caption.startswith(beginning)]
        return {row[0]: dict(zip(found[0][1:], row[1:], strict=True)) for row in found[1:]}
