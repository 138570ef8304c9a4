"""Where cases and sources of the images of anybody's predictions were found, in words and counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import pandas as pd

from osteolens.config import DataOptions
from osteolens.data.cases import CASE_TABLE_NAME
from osteolens.data.radiographs import RadiographSet
from osteolens.domain import Column, image_stem

TRACED = (Column.CASE, Column.SOURCE)
BUILT_IN = "built-in table of BTXRD"
NOT_KNOWN = "not known"


def of_columns(headings: Iterable[tuple[str, str]], file: str, images: pd.Index[str]) -> pd.DataFrame:
    """Return the words for a table whose columns tell.

    Parameters
    ----------
    headings
        Pairs of a fact and its heading in the file, where that may be another one.

    Returns
    -------
    pandas.DataFrame
        Columns :data:`TRACED`, indexed by image.
    """
    spelled = {str(name): str(name) for name in TRACED} | dict(headings)
    return pd.DataFrame({name: f"column {spelled[name]} of {file}" for name in TRACED}, index=images)


def of_data_set(data: RadiographSet, options: DataOptions) -> pd.DataFrame:
    """Return the words for a data root: a column of its metadata, its case table, or the built-in one.

    As :func:`osteolens.data.radiographs.load_radiographs` joins them, a table that was asked for by name comes before
    the column, any other after it. In the form of :func:`of_columns`.
    """
    root, stems = f"the data set {options.root.name}", pd.Index(data.frame[Column.IMAGE_ID].map(image_stem))
    own_table = options.case_table or (CASE_TABLE_NAME if (options.root / CASE_TABLE_NAME).is_file() else None)
    joined = BUILT_IN if own_table is None else f"{own_table} of {root}"
    words = of_columns(options.columns.items(), root, stems)
    rows = data.metadata.frame
    rows = rows.set_axis(rows[Column.IMAGE_ID].map(image_stem), axis=0)
    for name in TRACED:
        if name in rows and options.case_table is None:
            words[name] = words[name].where(rows[name].reindex(stems) != "", joined)
        else:
            words[name] = joined
    return words


def taken_from(
    images: pd.DataFrame, case_known: pd.Series[bool], given: Sequence[tuple[pd.DataFrame, pd.DataFrame]]
) -> dict[str, dict[str, int]]:
    """Return, for case and source, how many images each table told it of, the commonest first.

    Parameters
    ----------
    images
        With case_id and source as they are used, indexed by image.
    case_known
        Whether the case is known, by image.
    given
        Tables of text indexed by image, the one that counts first, each with its words in the form of
        :func:`of_columns`. What none of them tells and is known is of the built-in table.
    """
    known = {Column.CASE: case_known.reindex(images.index), Column.SOURCE: images[Column.SOURCE] != ""}
    found = {}
    for name in TRACED:
        words = known[name].map({True: BUILT_IN, False: NOT_KNOWN})
        for table, told in reversed(given):
            if name in table:
                says = table[name].reindex(images.index).fillna("") != ""
                words = words.mask(says, told[name].reindex(images.index))
        found[str(name)] = dict(Counter(words).most_common())
    return found
