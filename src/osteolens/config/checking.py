"""Values to a checked configuration, or a sentence per problem that says where the problem comes from."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any, NamedTuple, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from osteolens.config.keys import unknown_key
from osteolens.config.overrides import OPTION, apply_overrides
from osteolens.errors import ConfigError

Checked = TypeVar("Checked", bound=BaseModel)


def checked(
    model: type[Checked],
    values: dict[str, Any],
    overrides: Sequence[str] = (),
    *,
    origin: str = OPTION,
    problems: Sequence[str] = (),
) -> Checked:
    """Return `values` with the overrides put in as a `model`.

    Parameters
    ----------
    origin
        What the values come from, as a sentence on them begins; those on overrides begin with ``--override``.
    problems
        Sentences on the values that are known already.

    Raises
    ------
    ConfigError
        One sentence per problem, the known ones first.
    """
    changed = apply_overrides(values, overrides, model)
    found = _problems(model, changed.values)
    told = [*problems, *changed.problems]
    if not (found or told):
        return model.model_validate(changed.values)
    before = _problems(model, values)
    for problem in found:
        # A rule across keys that the values alone did not break was broken by an override.
        own = problem not in before or any(problem.loc[: len(parts)] == parts for parts in changed.given)
        told.append(f"{OPTION if own else origin}: {problem.sentence}")
    raise ConfigError(*dict.fromkeys(told))


class _Problem(NamedTuple):
    loc: tuple[int | str, ...]
    sentence: str


def _problems(model: type[BaseModel], values: dict[str, Any]) -> list[_Problem]:
    """Find everything; rules across keys are looked at again without the keys that are wrong by themselves."""
    values = copy.deepcopy(values)
    found: list[_Problem] = []
    while True:
        try:
            model.model_validate(values)
        except ValidationError as error:
            details = error.errors()
        else:
            return found
        found.extend(_Problem(detail["loc"], _sentence(detail, model)) for detail in details)
        taken_out = [_without(values, detail["loc"]) for detail in details]
        if not any(taken_out):
            return found


def _without(values: dict[str, Any], loc: tuple[int | str, ...]) -> bool:
    """Take the key of a problem out of `values`; return whether there was one to take out."""
    node: Any = values
    for part in loc[:-1]:
        node = node.get(part) if isinstance(node, dict) and isinstance(node.get(part), dict) else None
        if node is None:
            break
    if isinstance(node, dict) and loc and loc[-1] in node:
        del node[loc[-1]]
        return True
    return False


def _sentence(detail: ErrorDetails, model: type[BaseModel]) -> str:
    key = ".".join(str(part) for part in detail["loc"])
    if detail["type"] == "extra_forbidden":
        return unknown_key(key, model)
    message = detail["msg"].removeprefix("Value error, ").rstrip(".")
    if key and detail["input"] is None:
        return f"{key} has no value: {message}. Give one, or leave the key out for its default."
    where = f"{key} = {detail['input']!r}" if key and not isinstance(detail["input"], dict) else key
    return f"{where + ': ' if where else ''}{message}."
