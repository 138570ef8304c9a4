"""The data audit as a page, as Markdown and as JSON."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from osteolens.data.audit import AuditResult
from osteolens.data.audit.figures import audit_figures
from osteolens.reporting.audit_sections import audit_sections
from osteolens.reporting.html import EmbeddedFigure, render
from osteolens.storage import atomic_writer, write_json, write_table, write_text

FIGURES_DIR = "data_audit_figures"
VIOLATIONS = "data_audit_violations.csv"


def write_audit_report(result: AuditResult, out_dir: Path) -> dict[str, Path]:
    """Write ``data_audit_report.html`` (self-contained), its Markdown form, ``data_audit.json`` and the violations.

    Nothing in them depends on when or where they were made: the same data give the same files.

    Returns
    -------
    Paths under the keys html, markdown, json, violations and figures (a folder, only where a figure could be drawn).
    """
    figures = {figure.name: figure for figure in audit_figures(result)}
    context = {"summary": result.summary, "sections": audit_sections(result.summary)}
    embedded = {name: EmbeddedFigure(figure.png, figure.caption, figure.alt) for name, figure in figures.items()}
    html = render("audit.html.j2", figures=embedded, **context)
    markdown = render("audit.md.j2", figures=figures, figures_dir=FIGURES_DIR, **context)
    for figure in figures.values():
        with atomic_writer(out_dir / FIGURES_DIR / f"{figure.name}.png") as stream:
            stream.write(figure.png)
    paths = {
        "html": write_text(out_dir / "data_audit_report.html", html),
        "markdown": write_text(out_dir / "data_audit_report.md", markdown),
        "json": write_json(out_dir / "data_audit.json", result.summary),
        "violations": write_violations(result.violations, out_dir),
    }
    return paths | ({"figures": out_dir / FIGURES_DIR} if figures else {})


def write_violations(violations: pd.DataFrame, out_dir: Path) -> Path:
    """Write ``data_audit_violations.csv``: row, image_id, column, value, severity, message."""
    return write_table(out_dir / VIOLATIONS, violations)
