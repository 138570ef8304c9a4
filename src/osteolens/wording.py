"""Counts, lists, first letters and names of files in sentences."""

from __future__ import annotations

from collections.abc import Sequence


def counted(number: int, noun: str, plural: str = "") -> str:
    """Return ``1 image`` or ``1,200 images``; `plural` where it is not the noun with an s."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def first_of(names: Sequence[str], most: int) -> str:
    """Return ``a, b and 3 others``, at most so many of them by name."""
    others = f" and {len(names) - most} others" if len(names) > most else ""
    return f"{', '.join(names[:most])}{others}"


def capital(text: str) -> str:
    """Return a text with its first letter as a capital and the others as they are."""
    return text[:1].upper() + text[1:]


def printable(name: str) -> str:
    """Return a text with line breaks, other control characters and bytes that are no text as Python's escapes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in name)
