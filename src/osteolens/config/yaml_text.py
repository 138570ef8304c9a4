"""YAML text to plain values, with the keys that stand in it twice: YAML's reader keeps the last without a word."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any, NamedTuple

import yaml

# A ValueError comes from a date that no calendar has, such as 2024-02-30.
YAML_ERRORS = (yaml.YAMLError, ValueError)

_MERGE = "tag:yaml.org,2002:merge"


class RepeatedKey(NamedTuple):
    """A key that one section holds twice: its dotted name, and both lines, counted from 1."""

    key: str
    first: int
    again: int


def read_yaml(text: str) -> tuple[Any, list[RepeatedKey]]:
    """Return the values of one YAML document, and its repeated keys; an empty one gives None.

    Raises
    ------
    yaml.YAMLError, ValueError
        The text is no YAML, or asks for more than plain values (:data:`YAML_ERRORS`).
    """
    loader = yaml.SafeLoader(text)
    try:
        node = loader.get_single_node()
        repeated = list(_repeated_keys(node))  # before the values are made, which writes merged keys into the nodes
        return None if node is None else loader.construct_document(node), repeated
    finally:
        loader.dispose()


def _repeated_keys(document: yaml.Node | None) -> Iterator[RepeatedKey]:
    waiting = deque([("", document)])
    seen: set[int] = set()  # an alias can lead back to a section that holds it
    while waiting:
        prefix, node = waiting.popleft()
        if not isinstance(node, yaml.MappingNode) or id(node) in seen:
            continue
        seen.add(id(node))
        lines: dict[str, int] = {}
        for name, content in node.value:
            if not isinstance(name, yaml.ScalarNode) or name.tag == _MERGE:
                continue
            key, line = f"{prefix}{name.value}", name.start_mark.line + 1
            if name.value in lines:
                yield RepeatedKey(key, lines[name.value], line)
            lines.setdefault(name.value, line)
            waiting.append((f"{key}.", content))
