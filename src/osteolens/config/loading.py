"""From a YAML file and overrides to a checked configuration."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from osteolens.config.checking import checked
from osteolens.config.config import Config
from osteolens.config.keys import dotted_keys
from osteolens.config.yaml_text import YAML_ERRORS, read_yaml
from osteolens.errors import ConfigError


def load_config(path: Path | None = None, overrides: Sequence[str] = ()) -> Config:
    """Read a YAML file (or the defaults), apply overrides, check everything.

    Parameters
    ----------
    path
        YAML file; None means the built-in defaults, which are those of ``configs/default.yaml``.
    overrides
        Strings ``section.key=value``; the value is read as YAML, so ``null``, lists and numbers work.

    Raises
    ------
    ConfigError
        One sentence per problem of the file and of all overrides together.
    """
    if path is None:
        return checked(Config, {}, overrides)
    values, problems = _read_file(path)
    return checked(Config, values, overrides, origin=str(path), problems=problems)


def known_keys() -> Iterator[tuple[str, str]]:
    """Yield every dotted key of the configuration with its description."""
    return dotted_keys(Config)


def _read_file(path: Path) -> tuple[dict[str, Any], list[str]]:
    """Return the sections of a file, and a sentence per key that it gives twice."""
    try:
        values, repeated = read_yaml(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigError(f"the configuration file {path} does not exist.") from error
    except (*YAML_ERRORS, OSError) as error:
        detail = " ".join(str(error).split())
        raise ConfigError(f"{path} is not a readable YAML file: {detail}.") from error
    if values is None:
        return {}, []
    if not isinstance(values, dict):
        raise ConfigError(f"{path} must hold sections such as 'training:', not a {type(values).__name__}.")
    return values, [
        f"{path}: {twice.key} stands in line {twice.first} and again in line {twice.again}; keep one of them."
        for twice in repeated
    ]
