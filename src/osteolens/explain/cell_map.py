"""Small maps that know where their cells lie."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from osteolens.domain import Preprocessing
from osteolens.explain.upsample import Pair, onto_picture, upsample


@dataclass(frozen=True, slots=True, eq=False)
class CellMap:
    """A map, or an array of maps of one network, at the resolution of its features.

    Attributes
    ----------
    values
        float32 [..., h, w], 0 to 1.
    shift
        Cells by which it lies down and to the right of cells that divide the network's input evenly.
    """

    values: NDArray[np.float32]
    shift: Pair = (0.0, 0.0)

    def __getitem__(self, index: Any) -> CellMap:
        """Return some of the maps, indexed as their values."""
        return replace(self, values=self.values[index])

    @property
    def cells(self) -> tuple[int, int]:
        """Return its number of cells, down and across."""
        return (self.values.shape[-2], self.values.shape[-1])

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
