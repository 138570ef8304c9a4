"""The predictions table: one row per image, keyed by image id. The only way from a model to a number."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from osteolens.domain import Column
from osteolens.errors import EvaluationError
from osteolens.storage import read_table, write_table

ROWS_NAMED = 5  # in a violation; the rest are counted
SUM_TOLERANCE = 1e-3  # tables printed with few digits still pass
EXACT_SUM = 1e-9  # sums this near to 1 are left alone, so that a table read back is the table written
TIE_TOLERANCE = 1e-6

_OPTIONAL_COLUMNS = (Column.PREDICTED, Column.CASE, Column.CENTER, Column.SOURCE, Column.CHECKPOINT)


@dataclass(frozen=True, slots=True, eq=False)
class PredictionsTable:
    """Probabilities and truth of a set of images; checks and completes itself when built.

    Attributes
    ----------
    class_names
        K different names, in the order of the probability columns.
    frame
        Columns ``image_id``, ``split``, ``label``, ``predicted``, ``prob_<class>`` (K float columns, rows summing
        to 1), ``case_id``, ``center``, ``source``, ``checkpoint_sha256``, then any further ones such as ``age``.
        All but the probabilities are text; ``""`` means not known. Missing optional columns are filled: ``split``
        with ``test``, ``case_id`` with the image's own id, ``predicted`` with the most probable class.

    Raises
    ------
    EvaluationError
        All violations together: a missing column, a repeated or empty image id, an unknown label, an empty split,
        probabilities that are not numbers in 0 to 1 summing to 1 within 0.001, or a predicted class that is not the
        most probable one.
    """

    class_names: tuple[str, ...]
    frame: pd.DataFrame

    def __post_init__(self) -> None:
        if problems := list(_column_problems(self.class_names, self.frame)):
            raise _refusal(problems)
        frame = _complete(self.class_names, self.frame)
        if problems := list(_row_problems(self.class_names, frame)):
            raise _refusal(problems)
        object.__setattr__(self, "frame", _normalise(self.class_names, frame))

    @classmethod
    def from_csv(cls, path: Path, class_names: Sequence[str] | None = None) -> PredictionsTable:
        """Read a table; the class names default to those of the ``prob_`` columns, in their order.

        Raises
        ------
        DataError
            The file is not there or is not a CSV.
        EvaluationError
            The table has violations; the message names the file.
        """
        frame = read_table(path)
        prefix = Column.PROBABILITY_PREFIX
        found = tuple(name.removeprefix(prefix) for name in frame.columns if name.startswith(prefix))
        try:
            return cls(found if class_names is None else tuple(class_names), frame)
        except EvaluationError as error:
            raise EvaluationError(f"{path}: {error}") from error

    @classmethod
    def from_arrays(
        cls,
        class_names: Sequence[str],
        *,
        image_ids: ArrayLike,
        labels: ArrayLike,
        probabilities: NDArray[np.floating],
        **columns: ArrayLike | str,
    ) -> PredictionsTable:
        """Build a table from what a model returned.

        Parameters
        ----------
        image_ids, labels
            [N] image ids and class names.
        probabilities
            [N, K] in the order of `class_names`.
        columns
            Further columns by name, such as ``split``, ``case_id`` or ``age``: [N], or one text for every row.
        """
        ids = np.asarray(image_ids)
        if probabilities.shape != (len(ids), len(class_names)):
            raise EvaluationError(
                f"probabilities of {len(ids)} images and {len(class_names)} classes must have the shape "
                f"({len(ids)}, {len(class_names)}), not {probabilities.shape}."
            )
        by_class = dict(zip(_probability_columns(class_names), probabilities.T.astype(np.float64), strict=True))
        values = {Column.IMAGE_ID: ids, Column.LABEL: np.asarray(labels), **by_class}
        further = {name: value if isinstance(value, str) else np.asarray(value) for name, value in columns.items()}
        try:
            frame = pd.DataFrame({**values, **further})
        except ValueError as error:
            raise EvaluationError(f"the columns of a predictions table must have one length: {error}.") from error
        return cls(tuple(class_names), frame)

    def write(self, path: Path) -> Path:
        """Write the table as CSV, every probability with as many digits as make it read back the same."""
        return write_table(path, self.frame)

    def part(self, split: str) -> PredictionsTable:
        """Return the rows of one split; an :class:`EvaluationError` names the splits there are."""
        chosen = (self.frame[Column.SPLIT] == split).to_numpy()
        if not chosen.any():
            raise EvaluationError(
                f"the predictions table has no split {split!r}; it has {', '.join(self.splits)}. Choose one of them."
            )
        return self.subset(chosen)

    def subset(self, mask: NDArray[np.bool_]) -> PredictionsTable:
        """Return the rows where `mask` ([N]) is true; none at all raises :class:`EvaluationError`."""
        return PredictionsTable(self.class_names, self.frame.loc[np.asarray(mask, dtype=bool)])

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits in the table, sorted."""
        return tuple(sorted(set(self.frame[Column.SPLIT])))

    @property
    def labels(self) -> NDArray[np.int64]:
        """[N] index of the true class."""
        return _class_index(self.class_names, self.frame[Column.LABEL])

    @property
    def probabilities(self) -> NDArray[np.float64]:
        """[N, K], rows summing to 1."""
        return _probability_matrix(self.class_names, self.frame)

    @property
    def cases(self) -> NDArray[np.str_]:
        """[N] case ids; images of one case are not independent of each other."""
        return self.frame[Column.CASE].to_numpy(dtype=np.str_)

    def __len__(self) -> int:
        return len(self.frame)


def _probability_columns(class_names: Sequence[str]) -> list[str]:
    return [f"{Column.PROBABILITY_PREFIX}{name}" for name in class_names]


def _probability_matrix(class_names: Sequence[str], frame: pd.DataFrame) -> NDArray[np.float64]:
    columns = _probability_columns(class_names)
    return np.column_stack([frame[name].to_numpy(dtype=np.float64) for name in columns])


def _class_index(class_names: Sequence[str], names: pd.Series[str]) -> NDArray[np.int64]:
    """Return [N] positions in `class_names`, -1 for any other name."""
    positions = {name: position for position, name in enumerate(class_names)}
    return np.array([positions.get(name, -1) for name in names], dtype=np.int64)


def _refusal(problems: list[str]) -> EvaluationError:
    return EvaluationError("the predictions table cannot be used; put right:\n" + "\n".join(f"- {p}" for p in problems))


def _column_problems(class_names: tuple[str, ...], frame: pd.DataFrame) -> Iterator[str]:
    if len(class_names) < 2 or len(set(class_names)) != len(class_names):
        yield f"at least two different classes are needed, as columns prob_<class>; found {list(class_names)}."
    if repeated := sorted(set(frame.columns[frame.columns.duplicated()])):
        yield f"column(s) {', '.join(repeated)} stand there more than once."
    probabilities = _probability_columns(class_names)
    if missing := [name for name in (Column.IMAGE_ID, Column.LABEL, *probabilities) if name not in frame.columns]:
        yield f"column(s) {', '.join(missing)} are missing; there are {', '.join(map(str, frame.columns))}."
    present = [name for name in frame.columns if str(name).startswith(Column.PROBABILITY_PREFIX)]
    if further := [name for name in present if name not in probabilities]:
        yield f"column(s) {', '.join(further)} belong to none of the classes {', '.join(class_names)}."
    if frame.empty:
        yield "the table holds no image."


def _complete(class_names: tuple[str, ...], frame: pd.DataFrame) -> pd.DataFrame:
    """Return the table in its own column order and types, with the optional columns filled in."""
    probabilities = _probability_columns(class_names)
    text = {name: as_text(frame[name]) for name in frame.columns if name not in probabilities}
    text.setdefault(Column.SPLIT, pd.Series("test", index=frame.index))
    for name in _OPTIONAL_COLUMNS:
        text.setdefault(name, pd.Series("", index=frame.index))
    text[Column.CASE] = text[Column.CASE].where(text[Column.CASE] != "", text[Column.IMAGE_ID])
    leading = (Column.IMAGE_ID, Column.SPLIT, Column.LABEL, Column.PREDICTED)
    trailing = [name for name in _OPTIONAL_COLUMNS if name not in leading]
    further = [name for name in text if name not in leading and name not in trailing]
    columns = {
        **{name: text[name] for name in leading},
        **{name: _numbers(frame[name]) for name in probabilities},
        **{name: text[name] for name in (*trailing, *further)},
    }
    complete: pd.DataFrame = pd.DataFrame(columns).reset_index(drop=True)
    return complete


def as_text(values: pd.Series) -> pd.Series[str]:
    """Return cells as text without blanks around them, ``""`` for a missing one."""
    text: pd.Series[str] = values.astype(object).where(values.notna(), "").astype(str).str.strip()
    return text


def _numbers(values: pd.Series) -> pd.Series[float]:
    """Return floats, NaN where a cell holds no number. Python's own reading of text is exact, pandas' is not."""
    try:
        return pd.Series(values.to_numpy(dtype=object).astype(np.float64), index=values.index)
    except (TypeError, ValueError):
        return pd.to_numeric(values, errors="coerce").astype(np.float64)


def _row_problems(class_names: tuple[str, ...], frame: pd.DataFrame) -> Iterator[str]:
    label, predicted, ids = frame[Column.LABEL], frame[Column.PREDICTED], frame[Column.IMAGE_ID]
    names = ", ".join(class_names)
    values = _probability_matrix(class_names, frame)
    in_range = ((values >= 0) & (values <= 1)).all(axis=1)  # false for NaN too
    summed = np.abs(values.sum(axis=1) - 1) <= SUM_TOLERANCE
    chosen = _class_index(class_names, predicted)
    most = np.take_along_axis(values, np.maximum(chosen, 0)[:, None], axis=1)[:, 0] >= values.max(1) - TIE_TOLERANCE
    violations = (
        (ids == "", "the image id is empty"),
        (ids.duplicated() & (ids != ""), "the image id stands there already"),
        (frame[Column.SPLIT] == "", "the split is empty"),
        (~label.isin(class_names), f"the label is none of {names}"),
        (~in_range, "the probabilities are not all numbers in 0 to 1"),
        (in_range & ~summed, "the probabilities do not sum to 1"),
        ((predicted != "") & (chosen < 0), f"the predicted class is none of {names}"),
        ((chosen >= 0) & in_range & ~most, "the predicted class is not the most probable one"),
    )
    for wrong, sentence in violations:
        rows = np.flatnonzero(np.asarray(wrong))
        if rows.size:
            yield f"{sentence}: {_name_rows(rows, ids)}."


def _name_rows(rows: NDArray[np.intp], ids: pd.Series[str]) -> str:
    """Return 'row 3 (IMG7.jpeg), ... and 12 more'; rows are counted from 1 below the header."""
    named = ", ".join(f"row {row + 1} ({ids.iloc[row] or 'no id'})" for row in rows[:ROWS_NAMED])
    return named + (f" and {rows.size - ROWS_NAMED} more" if rows.size > ROWS_NAMED else "")


def _normalise(class_names: tuple[str, ...], frame: pd.DataFrame) -> pd.DataFrame:
    """Return a copy whose probabilities sum to 1 and whose predicted class is the first of the most probable."""
    values = _probability_matrix(class_names, frame)
    sums = values.sum(axis=1, keepdims=True)
    values = np.where(np.abs(sums - 1) > EXACT_SUM, values / sums, values)
    frame = frame.copy()
    frame[_probability_columns(class_names)] = values
    frame[Column.PREDICTED] = np.array(class_names)[values.argmax(axis=1)]
    return frame
