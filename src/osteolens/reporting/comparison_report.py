"""The page on a comparison: runs and splits, what is lost without leaks, model against model, published figures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from osteolens.experiments.comparison import FIGURE_NAME
from osteolens.reporting import comparison_tables as tables
from osteolens.reporting import comparison_words as words
from osteolens.reporting.chapters import Block, Section
from osteolens.reporting.document import Document, blocks
from osteolens.reporting.html import EmbeddedFigure, render
from osteolens.reporting.kind_words import HONEST
from osteolens.storage import write_text

PAGE_NAME = "comparison.html"


def write_comparison_report(record: dict[str, Any], out: Path) -> Path:
    """Write ``comparison.html`` and ``comparison.md`` beside the record and its figure, and return the HTML page.

    Parameters
    ----------
    record
        The result of :func:`osteolens.experiments.comparison.write_comparison`, which wrote the figure into `out`.
    """
    document = _document(record, (out / FIGURE_NAME).read_bytes())
    page = write_text(out / PAGE_NAME, render("document.html.j2", document=document))
    write_text(page.with_suffix(".md"), render("document.md.j2", document=_as_text(document)))
    return page


def _document(record: dict[str, Any], figure: bytes) -> Document:
    verdicts = [words.verdict(run) for run in record["runs"]]
    honest = [words.honest_sentence(run) for run in record["runs"] if run["kind"] in HONEST]
    points = (honest or [words.NO_HONEST]) + [words.gap_sentence(gap) for gap in record["gaps"]]
    main = [tables.runs_table(record), *([tables.published_table(record)] if record["published"] else [])]
    drawn = EmbeddedFigure(figure, *words.figure_words(record))
    trust = (*blocks(words.SHARED_CASES), Block("findings", verdicts), *blocks(words.HONEST_IS_NOT_ENOUGH))
    sections = (
        Section("trust", "Which figures are honest", trust),
        Section("figures", "Figures", (*blocks(*main), Block("figure", drawn))),
        gap_chapter(record),
        *further_chapters(record),
    )
    lead = "The same figures of every run, worked out again from its predictions."
    return Document("Comparison of runs and splits", lead, tuple(points), sections)


def gap_chapter(record: dict[str, Any]) -> Section:
    """Return what is lost from the easier to the harder split of each experiment."""
    refused = [words.refused_sentence(gap) for gap in record["gaps_refused"]]
    told = (*blocks(*tables.gap_tables(record)), Block("soft", words.GAP)) if record["gaps"] else ()
    return Section("gap", "Generalisation gap", (*told, *blocks(refused)) or blocks(words.NO_GAP))


def further_chapters(record: dict[str, Any]) -> tuple[Section, ...]:
    """Return model against model, published figures with their caveats, and how the figures were made."""
    return (
        *([Section("pairs", "Model against model", _pair_blocks(record))] if _has_pairs(record) else []),
        *([_published(record)] if record["published"] else []),
        Section("method", "How the figures were made, and limits", blocks(words.method(record), words.LIMITS)),
    )


def _has_pairs(record: dict[str, Any]) -> bool:
    return bool(record["comparisons"] or record["not_compared"])


def _pair_blocks(record: dict[str, Any]) -> tuple[Block, ...]:
    refused = [words.refused_sentence(pair) for pair in record["not_compared"]]
    if not record["comparisons"]:
        return blocks(refused)
    return (*blocks(*tables.comparison_tables(record)), Block("soft", words.correction(record)), *blocks(refused))


def _published(record: dict[str, Any]) -> Section:
    systems = record["published"]
    exchanged = [tables.exchanged_table(system) for system in systems if system["as_quoted"]]
    sections = tuple(
        Section(system["key"], system["name"], blocks(words.protocol(system), tuple(system["caveats"])))
        for system in systems
    )
    goals = Section("targets", "Targets", blocks(tables.targets_table(record)))
    return Section(
        "published", "Published figures and their caveats", blocks(words.NOT_OURS, *exchanged), (*sections, goals)
    )


def _as_text(document: Document) -> Document:
    """Return the document with a link in place of the picture and a list in place of the findings."""
    return replace(document, sections=tuple(_section_as_text(section) for section in document.sections))


def _section_as_text(section: Section) -> Section:
    inner = tuple(_section_as_text(one) for one in section.sections)
    return replace(section, blocks=tuple(_block_as_text(block) for block in section.blocks), sections=inner)


def _block_as_text(block: Block) -> Block:
    if block.kind == "figure":
        return Block("text", f"![{block.content.alt}]({FIGURE_NAME}) {block.content.caption}")
    if block.kind == "findings":
        return Block("list", tuple(f"{finding.severity}: {finding.text}" for finding in block.content))
    return block
