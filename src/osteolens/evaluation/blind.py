"""Models that see no pixels: what the evaluated part can be scored with by metadata, file header or origin alone.

Each is gradient boosting with scikit-learn's default settings, learnt from the train part. Nothing is tuned.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits

from osteolens.domain import Column
from osteolens.evaluation.facts import JOINED, NUMBERS, ImageFacts
from osteolens.evaluation.headline import headline, paired_difference
from osteolens.evaluation.predictions import PredictionsTable
from osteolens.evaluation.resampling import Resampling
from osteolens.evaluation.siblings import NO_MANIFEST

_DEMOGRAPHICS = ("age", "gender", "view", "region")
BLIND_MODELS: dict[str, tuple[str, ...]] = {  # name to the columns that the model sees
    "class_shares": (),
    "demographics": _DEMOGRAPHICS,
    "demographics_and_site": (*_DEMOGRAPHICS, "site"),
    "image_header": ("width", "height", "mode", "bytes"),
    "source": ("source",),
}
INPUT_WORDS = {  # what a reader calls the columns; those that are not here bear their name
    "gender": "sex",
    "region": "body region",
    "site": "anatomical site",
    "mode": "colour mode",
    "bytes": "file size",
}
_FEWEST_TOLD = 20  # train images; the least in a leaf of the boosted trees
_NO_SEPARATOR = "\x1f"  # stands in no cell


def blind_scores(facts: ImageFacts, resampling: Resampling) -> dict[str, dict[str, Any]]:
    """Train each blind model on the train part and score it on the evaluated images.

    Returns
    -------
    dict
        Name of the model (:data:`BLIND_MODELS`) to ``inputs``, ``possible``, and where it is not, ``reason``. Else
        ``n_train``; ``constant`` (inputs with one value throughout the train part); ``filled``: input → class → share
        of the evaluated images that have a value; ``single_class``: text input → value → class, for the values of
        which train has 20 images or more, all of one class; ``scores``, the headline figures; and ``advantage``, those
        of the evaluated table minus these, paired.
    """
    return {
        name: {"inputs": list(inputs), **_blind(facts, inputs, resampling)} for name, inputs in BLIND_MODELS.items()
    }


def _blind(facts: ImageFacts, inputs: tuple[str, ...], resampling: Resampling) -> dict[str, Any]:
    if facts.train is None:
        return {"possible": False, "reason": NO_MANIFEST}
    if reason := _missing(facts.train, facts.evaluated, inputs):
        return {"possible": False, "reason": reason}
    if facts.train[Column.LABEL].nunique() < 2:
        return {"possible": False, "reason": "the train part has one class only"}
    blind = blind_predictions(facts.table, facts.train, facts.evaluated, inputs)
    return {
        "possible": True,
        "n_train": len(facts.train),
        "constant": [name for name in inputs if len(facts.train[name].unique()) == 1],
        "filled": {name: _filled(facts.evaluated, name) for name in inputs},
        "single_class": {name: _single_class(facts.train, name) for name in inputs if name not in NUMBERS},
        "scores": headline(blind, resampling),
        "advantage": paired_difference(facts.table, blind, resampling),
    }


def blind_predictions(
    table: PredictionsTable, train: pd.DataFrame, evaluated: pd.DataFrame, inputs: tuple[str, ...]
) -> PredictionsTable:
    """Return the answers of a model that sees `inputs` only, for the images of `table`.

    Parameters
    ----------
    train, evaluated
        As in :class:`~osteolens.evaluation.facts.ImageFacts`; `train` has two classes or more. A text that the train
        part does not have counts as none. Without inputs the answer is the shares of the classes in train.
    """
    classes = list(table.class_names)
    labels = train[Column.LABEL].map(classes.index).to_numpy()
    probabilities = np.zeros((len(table), len(classes)))
    if inputs:
        seen, asked = _matrices(train, evaluated, inputs)
        # the seed draws nothing below 10,000 rows, above which the defaults hold out a part to stop early
        model = HistGradientBoostingClassifier(random_state=0)
        with threadpool_limits(1):  # same answers from more threads, which on a busy machine wait for each other
            model.fit(seen, labels)
            probabilities[:, model.classes_] = model.predict_proba(asked)
    else:
        probabilities[:] = np.bincount(labels, minlength=len(classes)) / len(labels)
    return PredictionsTable.from_arrays(
        classes,
        image_ids=table.frame[Column.IMAGE_ID],
        labels=table.frame[Column.LABEL],
        probabilities=probabilities,
        case_id=table.cases,
    )


def _matrices(
    train: pd.DataFrame, evaluated: pd.DataFrame, inputs: tuple[str, ...]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return numbers as they are, NaN where not known, and a 0/1 column for each text that the train part has."""
    seen: list[pd.DataFrame] = []
    asked: list[pd.DataFrame] = []
    for name in inputs:
        if name in NUMBERS:
            seen.append(train[[name]])
            asked.append(evaluated[[name]])
            continue
        seen.append(_indicators(train, name))
        asked.append(_indicators(evaluated, name).reindex(columns=seen[-1].columns, fill_value=0))
    return pd.concat(seen, axis=1).to_numpy(np.float64), pd.concat(asked, axis=1).to_numpy(np.float64)


def _indicators(rows: pd.DataFrame, name: str) -> pd.DataFrame:
    """Return a 0/1 column for each text that occurs; a cell that says nothing is 0 in all."""
    return rows[name].str.get_dummies("+" if name in JOINED else _NO_SEPARATOR)


def _missing(train: pd.DataFrame, evaluated: pd.DataFrame, inputs: tuple[str, ...]) -> str | None:
    for what, frame in (("train", train), ("evaluated", evaluated)):
        absent = [
            INPUT_WORDS.get(name, name) for name in inputs if name not in frame or not _has_value(frame[name]).any()
        ]
        if absent:
            return f"{', '.join(absent)} not known for any {what} image"
    if inputs and not any(name in NUMBERS or _shares_text(train, evaluated, name) for name in inputs):
        told = ", ".join(INPUT_WORDS.get(name, name) for name in inputs)
        return f"no evaluated image shares its {told} with the train part"
    return None


def _shares_text(train: pd.DataFrame, evaluated: pd.DataFrame, name: str) -> bool:
    return not _indicators(train, name).columns.intersection(_indicators(evaluated, name).columns).empty


def _filled(evaluated: pd.DataFrame, name: str) -> dict[str, float]:
    shares = _has_value(evaluated[name]).groupby(evaluated[Column.LABEL]).mean()
    return {str(label): float(share) for label, share in shares.items()}


def _single_class(train: pd.DataFrame, name: str) -> dict[str, str]:
    labels = train.loc[_has_value(train[name]), Column.LABEL].groupby(train[name])
    told = labels.agg(["size", "nunique", "first"])
    told = told[(told["size"] >= _FEWEST_TOLD) & (told["nunique"] == 1)]
    return {str(value): str(label) for value, label in told["first"].items()}


def _has_value(cells: pd.Series) -> pd.Series[bool]:
    return cells.notna() & (cells != "")
