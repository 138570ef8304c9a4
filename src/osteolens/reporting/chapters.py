"""What a page is made of: chapters, the sections in them, and the blocks that one template draws."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal[
    "text",  # a sentence or several
    "soft",  # the same, in a quieter colour
    "list",  # sentences
    "findings",  # list of Finding
    "cards",  # list of Card
    "metrics",  # MetricTable
    "table",  # PageTable
    "figure",  # EmbeddedFigure
    "panels",  # list of EmbeddedFigure, side by side where there is room
    "wide",  # EmbeddedFigure that scrolls within itself on a small screen
    "code",  # a command
    "link",  # Link
    "links",  # LinkTable
    "side",  # blocks, side by side where there is room
]


@dataclass(frozen=True, slots=True)
class Block:
    """One thing in a section, drawn by ``draw_block`` of ``templates/chapters.html.j2``."""

    kind: Kind
    content: Any


@dataclass(frozen=True, slots=True)
class Link:
    """A way to another page, its address relative to this one."""

    text: str
    address: str


@dataclass(frozen=True, slots=True)
class LinkTable:
    """Ways to other pages; the first cell of a row names the row, which may have fewer links than there are columns."""

    caption: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Link, ...]], ...]


@dataclass(frozen=True, slots=True)
class Card:
    """A number for readers with little time.

    Attributes
    ----------
    detail
        Its interval, or what it was made from.
    """

    value: str
    label: str
    detail: str


@dataclass(frozen=True, slots=True)
class Section:
    """A heading, the blocks under it, then smaller sections.

    Attributes
    ----------
    key
        Unique within the page; the table of contents leads to it.
    """

    key: str
    title: str
    blocks: tuple[Block, ...]
    sections: tuple[Section, ...] = ()
