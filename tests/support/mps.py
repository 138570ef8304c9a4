"""A stand-in for a tensor on Apple's MPS, which has no float64."""

from __future__ import annotations

import torch


class OnMPS(torch.Tensor):
    """A tensor that cannot become float64 before it is on the CPU."""

    def double(self, *_: object, **__: object) -> torch.Tensor:
        raise TypeError("Cannot convert a MPS Tensor to float64 dtype")

    def cpu(self, *_: object, **__: object) -> torch.Tensor:
        return self.as_subclass(torch.Tensor)  # type: ignore[arg-type]
