"""One small map and where its cells lie."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from osteolens.domain import Preprocessing
from osteolens.explain.upsample import Shift, onto_picture, upsample


@dataclass(frozen=True, slots=True, eq=False)
class CellMap:
    """A map at the resolution of a network's features.

    Attributes
    ----------
    values
        float32 [h, w], 0 to 1.
    shift
        Cells by which it lies down and to the right of one that divides the network's input evenly, see
        :attr:`osteolens.models.receptive_field.CellCentres.shift`.
    """

    values: NDArray[np.float32]
    shift: Shift = (0.0, 0.0)

    @property
    def is_zero(self) -> bool:
        """Whether it shows no positive evidence anywhere."""
        return not (self.values > 0).any()

    def enlarged(self, height: int, width: int) -> NDArray[np.float32]:
        """Return it over the whole of the network's input, at `height` x `width` pixels."""
        return upsample(self.values, height, width, shift=self.shift)

    def onto(self, height: int, width: int, record: Preprocessing) -> NDArray[np.float32]:
        """Return it over the picture of `height` x `width` pixels that the input was made from by `record`."""
        return onto_picture(self.values, height, width, record, shift=self.shift)
