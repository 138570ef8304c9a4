"""The dotted keys of a configuration, and the nearest of them to one that is unknown."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from pydantic import BaseModel


def dotted_keys(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield every dotted key of `model` and its sections with its description."""
    for name, field in model.model_fields.items():
        annotation = field.annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            yield from dotted_keys(annotation, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", field.description or ""


def unknown_key(key: str, model: type[BaseModel]) -> str:
    """Return the sentence on a key that `model` does not have."""
    known = [name for name, _ in dotted_keys(model)]
    sections = sorted({name.partition(".")[0] for name in known})
    # the right key under the wrong section comes before keys that only look alike
    same_leaf = [name for name in known if name.rpartition(".")[2] == key.rpartition(".")[2]]
    near = difflib.get_close_matches(key, same_leaf or [*known, *sections], n=1, cutoff=0 if same_leaf else 0.6)
    hint = f"did you mean {near[0]}?" if near else f"the sections are {', '.join(sections)}."
    return f"unknown key {key}; {hint}"
