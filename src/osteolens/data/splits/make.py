"""A scheme's name to a manifest; a family's name to the names of its members."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from osteolens.config import Config
from osteolens.data.manifest import COLUMNS, Manifest, check_parts
from osteolens.data.own_files import known_stem
from osteolens.data.radiographs import RadiographSet
from osteolens.data.splits.schemes import FAMILIES, SCHEMES
from osteolens.domain import SCHEME_FAMILIES, Column, image_stem
from osteolens.errors import DataError
from osteolens.storage import read_table


def make_split(data: RadiographSet, scheme: str, config: Config) -> Manifest:
    """Divide a data set by a named scheme.

    Parameters
    ----------
    scheme
        One of ``domain.SPLIT_SCHEMES`` that is no family, a member of a family (``case-fold-2``, ``source-g``), or a
        name under ``data.split_files``.

    Raises
    ------
    DataError
        The data set lacks what the scheme needs (centers, sources, cases, or the images of the published split), or
        `scheme` is a family or unknown.
    """
    frame = data.frame.copy()
    frame[Column.SPLIT], frame[Column.SCHEME], frame[Column.SEED] = (
        _parts(data, scheme, config),
        scheme,
        str(config.split_seed),
    )
    for optional in (Column.CENTER, Column.SOURCE):
        if optional not in frame:
            frame[optional] = ""
    return Manifest(frame.loc[frame[Column.SPLIT] != "", list(COLUMNS)].reset_index(drop=True))


def expand_schemes(schemes: Iterable[str], data: RadiographSet, config: Config) -> list[str]:
    """Return the schemes with each family replaced by its members, in order and each once.

    Raises
    ------
    DataError
        The data set lacks what a family needs, for example sources.
    """
    names: dict[str, None] = {}
    for scheme in schemes:
        if scheme in FAMILIES and scheme not in config.data.split_files:
            prefix = SCHEME_FAMILIES[scheme]
            names.update(dict.fromkeys(prefix + member for member in FAMILIES[scheme].members(data, config)))
        else:
            names[scheme] = None
    return list(names)


def _parts(data: RadiographSet, scheme: str, config: Config) -> NDArray[np.str_]:
    if scheme in config.data.split_files:
        return _from_file(data, config.data.root / config.data.split_files[scheme])
    if scheme in SCHEMES:
        return SCHEMES[scheme](data, config)
    for family, prefix in SCHEME_FAMILIES.items():
        if scheme.startswith(prefix):
            return FAMILIES[family].divide(data, config, scheme.removeprefix(prefix))
    if scheme in FAMILIES:
        members = ", ".join(expand_schemes([scheme], data, config))
        raise DataError(f"{scheme} stands for several splits: {members}. Choose one of them.")
    raise DataError(f"there is no split scheme {scheme}. Known are {', '.join((*SCHEMES, *FAMILIES))}.")


def _from_file(data: RadiographSet, path: Path) -> NDArray[np.str_]:
    """Return the parts that a CSV (image_id, split) gives; images it does not list get "" and are left out."""
    table = read_table(path)
    if missing := {Column.IMAGE_ID, Column.SPLIT} - set(table.columns):
        raise DataError(f"{path} lacks the column(s) {', '.join(sorted(missing))}.")
    check_parts(table, str(path), lambda image_id: known_stem(image_id, data.paths))
    stems = (known_stem(image_id, data.paths) for image_id in table[Column.IMAGE_ID])
    part = dict(zip(stems, table[Column.SPLIT], strict=True))
    if strangers := sorted(set(part) - set(data.paths)):
        raise DataError(f"{path} lists {len(strangers)} image(s) that the data set lacks, for example {strangers[0]}.")
    return np.array([part.get(image_stem(name), "") for name in data.frame[Column.IMAGE_ID]])
