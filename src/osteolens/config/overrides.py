"""Changes of single keys, written ``section.key=value``."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any, NamedTuple

from pydantic import BaseModel

from osteolens.config.keys import dotted_keys, unknown_key
from osteolens.config.yaml_text import YAML_ERRORS, read_yaml

OPTION = "--override"


class Changed(NamedTuple):
    """Values after the overrides.

    Attributes
    ----------
    given
        The keys that an override has set, each as its parts.
    problems
        Sentences on overrides that are not well formed.
    """

    values: dict[str, Any]
    given: set[tuple[str, ...]]
    problems: list[str]


def apply_overrides(values: dict[str, Any], overrides: Sequence[str], model: type[BaseModel]) -> Changed:
    """Return a copy of `values`, keys of `model`, with the overrides put in."""
    changed = Changed(copy.deepcopy(values), set(), [])
    for override in overrides:
        key, separator, text = override.partition("=")
        key = key.strip()
        if not separator or not key:
            changed.problems.append(f"{OPTION} {override!r} must look like section.key=value.")
            continue
        try:
            value, repeated = read_yaml(text)
        except YAML_ERRORS:
            changed.problems.append(f"{OPTION} {override!r}: the value is not valid YAML.")
            continue
        changed.problems.extend(f"{OPTION} {override!r}: {twice.key} stands twice; keep one." for twice in repeated)
        parts = tuple(key.split("."))
        if _put(changed.values, parts, value):
            changed.given.add(parts)
        elif key not in dict(dotted_keys(model)):  # a known key can only be in a section that is wrong by itself
            changed.problems.append(f"{OPTION}: {unknown_key(key, model)}")
    return changed


def _put(values: dict[str, Any], parts: tuple[str, ...], value: Any) -> bool:
    """Set one key; return whether there was a section to set it in."""
    node: Any = values
    for parent in parts[:-1]:
        if isinstance(node, dict) and node.get(parent) is None:  # absent, or a heading with nothing under it
            node[parent] = {}
        node = node[parent] if isinstance(node, dict) else None
    if not isinstance(node, dict):
        return False
    node[parts[-1]] = value
    return True
