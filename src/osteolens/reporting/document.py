"""A document of chapters, written as Markdown and as a self-contained page from the same content."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from osteolens.reporting.chapters import Block, Section
from osteolens.reporting.html import PageTable, render
from osteolens.reporting.metric_table import MetricTable
from osteolens.storage import write_text

_WRITTEN = {"text", "soft", "list", "findings", "metrics", "table"}


@dataclass(frozen=True, slots=True)
class Document:
    """A whole document.

    Attributes
    ----------
    lead
        What it is and what it was made from.
    points
        What a reader in a hurry must know.
    sections
        Their blocks are sentences, lists and tables, see :func:`without_figures`.
    """

    title: str
    lead: str
    points: tuple[str, ...]
    sections: tuple[Section, ...]


def write_document(document: Document, markdown: Path) -> Path:
    """Write `markdown` and, beside it, the page of the same name with the suffix ``.html``; return `markdown`.

    Nothing in them depends on when or where they are made: the same document gives the same bytes.
    """
    write_text(markdown.with_suffix(".html"), render("document.html.j2", document=document))
    return write_text(markdown, render("document.md.j2", document=document))


def without_figures(section: Section) -> Section:
    """Return a chapter of a page without what Markdown cannot hold: figures, and the cards that repeat its tables."""
    return replace(
        section,
        blocks=tuple(_written(section.blocks)),
        sections=tuple(without_figures(inner) for inner in section.sections),
    )


def _written(drawn: Iterable[Block]) -> Iterator[Block]:
    for block in drawn:
        if block.kind == "side":
            yield from _written(block.content)
        elif block.kind in _WRITTEN:
            yield block


def blocks(*contents: str | tuple[str, ...] | list[str] | PageTable | MetricTable | None) -> tuple[Block, ...]:
    """Return paragraphs, lists and tables as blocks; what is None or empty is left out."""
    return tuple(_block(content) for content in contents if content and getattr(content, "rows", True))


def _block(content: str | tuple[str, ...] | list[str] | PageTable | MetricTable) -> Block:
    if isinstance(content, str):
        return Block("text", content)
    if isinstance(content, MetricTable):
        return Block("metrics", content)
    if isinstance(content, PageTable):
        return Block("table", content)
    return Block("list", tuple(content))
