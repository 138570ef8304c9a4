"""Self-contained pages: templates, embedded figures, and how numbers are written in them."""

from __future__ import annotations

import base64
import math
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from numpy.typing import NDArray
from PIL import Image

import osteolens

UNDEFINED = "n/a"
MINUS = "\N{MINUS SIGN}"
JPEG_START = b"\xff\xd8"
SVG_STARTS = (b"<?xml", b"<svg")
JPEG_QUALITY = 85
WIDEST = 1600  # pixels of a figure that was made a JPEG


@dataclass(frozen=True, slots=True)
class EmbeddedFigure:
    """A PNG, JPEG or SVG inside a page.

    A drawing goes in as a picture, not as elements of the page, whose ids the parts of several drawings would share.

    Attributes
    ----------
    picture
        Content of the file.
    alt
        What the figure shows, for readers who cannot see it.
    """

    picture: bytes
    caption: str
    alt: str

    @property
    def source(self) -> str:
        """The picture as a data URI."""
        kind = "jpeg" if self.picture.startswith(JPEG_START) else "png"
        if self.picture.startswith(SVG_STARTS):
            kind = "svg+xml"
        return f"data:image/{kind};base64," + base64.b64encode(self.picture).decode("ascii")


@dataclass(frozen=True, slots=True)
class PageTable:
    """A table inside a page; cells are text already, and a column of numbers is known by their form and set right.

    Attributes
    ----------
    headings
        One per column.
    rows
        The first cell of a row names the row.
    caption
        May be empty.
    """

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    caption: str = ""

    @property
    def numeric(self) -> tuple[bool, ...]:
        """For each column, whether its cells are numbers; never the first, whose cells name the rows."""
        return tuple(i > 0 and all(_is_number(row[i]) for row in self.rows) for i in range(len(self.headings)))


def render(template: str, **context: Any) -> str:
    """Fill a template of ``reporting/templates``.

    ``*.html.j2`` templates escape what is put in; a missing variable is an error. Every template knows ``notice`` (not
    for clinical use) and ``version``, and the filters ``count``, ``percent``, ``fixed`` and ``cell`` (for Markdown).
    """
    return _environment().get_template(template).render(context)


def as_jpeg(png: bytes) -> bytes:
    """Return a figure full of radiographs as a JPEG of at most :data:`WIDEST`, so that a page can be sent by mail."""
    stream = BytesIO()
    with Image.open(BytesIO(png)) as image:
        picture = image.convert("RGB")
        picture.thumbnail((WIDEST, picture.height), Image.Resampling.LANCZOS)
        picture.save(stream, format="JPEG", quality=JPEG_QUALITY, optimize=True)
    return stream.getvalue()


def png_bytes(picture: NDArray[np.uint8]) -> bytes:
    """Return a picture, RGB [H, W, 3], as PNG."""
    stream = BytesIO()
    Image.fromarray(picture).save(stream, format="PNG")
    return stream.getvalue()


def count(value: float | None) -> str:
    """Return a whole number with separators: 3,746."""
    return UNDEFINED if _undefined(value) else f"{value:,.0f}"


def percent(value: float | None, digits: int = 1) -> str:
    """Return a share, 0 to 1, as a percentage: 67.9%."""
    return UNDEFINED if _undefined(value) else f"{fixed(100 * float(value or 0), digits)}%"


def fixed(value: float | None, digits: int = 3) -> str:
    """Return a number with a fixed number of decimals, and a minus sign where it is not 0 to that many."""
    return UNDEFINED if value is None or _undefined(value) else _written(value, digits, "")


def signed(value: float | None, digits: int = 3) -> str:
    """Return a difference as :func:`fixed` does, with its sign."""
    return UNDEFINED if value is None or _undefined(value) else _written(value, digits, "+")


def markdown_cell(text: object) -> str:
    """Return text that cannot break out of a Markdown table cell or be read as HTML."""
    escaped = str(text).replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("`", "\\`")
    return " ".join(escaped.split())


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("osteolens.reporting", "templates"),
        autoescape=select_autoescape(("html.j2",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals.update(notice=osteolens.NOT_FOR_CLINICAL_USE, version=osteolens.__version__)
    environment.filters.update(count=count, percent=percent, fixed=fixed, cell=markdown_cell)
    return environment


def _undefined(value: float | None) -> bool:
    return value is None or not math.isfinite(value)


def _written(value: float, digits: int, sign: str) -> str:
    rounded = round(float(value), digits) + 0.0  # 0 added to a negative 0 is 0
    return f"{rounded:{sign}.{digits}f}".replace("-", MINUS)


def _is_number(cell: str) -> bool:
    text = cell.replace(",", "").removesuffix("%").strip()
    return text == UNDEFINED or text.lstrip(f"+-{MINUS}").replace(".", "", 1).isdigit()
