"""Every number of a text, and every way in which a number of a result file may be printed."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import yaml

from osteolens.storage import read_table

# a number on its own: not a part of a word, a hash or a version
_NUMBER = re.compile(r"(?<![\w.])[-+]?(\d[\d,]*(?:\.\d+)?)(\s?%)?(?!\.?\w)(?!,\d)")
_REFERENCE = re.compile(r"doi \S+")

Printed = tuple[str, bool]  # digits without a sign, and whether a percent sign follows


def numbers_in(text: str, without: Iterable[str] = ()) -> list[Printed]:
    """Return the numbers of a text once the phrases `without` are taken out."""
    for phrase in without:
        text = text.replace(phrase, " ")
    text = _REFERENCE.sub(" ", text.replace("\N{EN DASH}", " "))
    return [(match[1].rstrip(","), match[2] is not None) for match in _NUMBER.finditer(text)]


def printable(values: Iterable[Any]) -> set[Printed]:
    """Return every way in which these numbers may be printed; the numbers of a text are taken as they stand in it."""
    forms: set[Printed] = set()
    for value in values:
        if isinstance(value, str):
            forms.update(numbers_in(value))
            continue
        size = abs(value)
        forms.update((f"{size:.{digits}f}", False) for digits in (2, 3))
        forms.update((f"{100 * size:.{digits}f}", True) for digits in (0, 1))
        forms.update({(f"{size:g}", False), (str(size), False)})
        if float(size).is_integer():
            forms.add((f"{size:,.0f}", False))
    return forms


def leaves(record: Any, leave_out: frozenset[str] = frozenset()) -> Iterator[Any]:
    """Yield every number and text of a record, names among them, but nothing below the names `leave_out`."""
    if isinstance(record, dict):
        for name, value in record.items():
            if name not in leave_out:
                yield str(name)
                yield from leaves(value, leave_out)
    elif isinstance(record, list | tuple):
        for value in record:
            yield from leaves(value, leave_out)
    elif isinstance(record, str) or (type(record) in {int, float} and math.isfinite(record)):
        yield record


def numbers_of_run(root: Path, leave_out: frozenset[str]) -> Iterator[Any]:
    """Yield what the JSON, YAML and CSV files of a run's folder hold; of the manifest, the counts by part and class."""
    for path in sorted(root.rglob("*.json")):
        yield from leaves(json.loads(path.read_text(encoding="utf-8")), leave_out)
    yield from leaves(yaml.safe_load((root / "config.yaml").read_text(encoding="utf-8")))
    yield from (float(cell) for cell in read_table(root / "training_log.csv").to_numpy().ravel())
    manifest = read_table(root / "manifest.csv")
    for part in (manifest, *(rows for _, rows in manifest.groupby("split"))):
        yield from (len(part), part["case_id"].nunique(), *part["label"].value_counts())


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._hidden += tag in {"style", "sup"}  # numbers of footnotes are not figures
        del attrs

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in {"style", "sup"}

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.words.append(data)


def text_of_page(path: Path) -> str:
    """Return what a page says."""
    parser = _Words()
    parser.feed(path.read_text(encoding="utf-8"))
    return " ".join(parser.words)
