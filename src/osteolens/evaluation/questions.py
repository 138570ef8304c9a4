"""The yes-or-no questions that three or more classes are asked: which classes count as yes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from osteolens.domain import MALIGNANT, NORMAL


@dataclass(frozen=True, slots=True)
class Question:
    """Some classes against the rest.

    Attributes
    ----------
    name
        For example ``Malignant against the rest``.
    yes
        [K] whether a class counts as yes.
    """

    name: str
    yes: tuple[bool, ...]

    def truth(self, labels: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return [N] whether the answer is yes."""
        return np.array(self.yes)[labels]

    def score(self, probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return [N] probability of yes, at most 1."""
        return np.minimum(probabilities[:, np.array(self.yes)].sum(axis=1), 1.0)


def questions(class_names: Sequence[str]) -> tuple[Question, ...]:
    """Return what to ask: malignant against the rest and tumour against normal, or else every class against the rest.

    The second is asked for class names of which none is ``Malignant`` or ``Normal``.
    """
    asked = []
    if MALIGNANT in class_names:
        asked.append(_one_class(class_names, MALIGNANT))
    if NORMAL in class_names:
        asked.append(Question(f"Any tumour against {NORMAL}", tuple(name != NORMAL for name in class_names)))
    return tuple(asked) or tuple(_one_class(class_names, name) for name in class_names)


def _one_class(class_names: Sequence[str], wanted: str) -> Question:
    return Question(f"{wanted} against the rest", tuple(name == wanted for name in class_names))
