"""Moving average of the weights."""

from __future__ import annotations

from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

_Tensors = tuple[Tensor, ...] | list[Tensor]


def weight_average(model: nn.Module, decay: float) -> AveragedModel | None:
    """Return an exponential moving average of weights and batch statistics, or None for a decay of 0.

    The first weights it is given are taken as they are; the t-th ones after them come in with a decay of
    min(`decay`, (1 + t) / (10 + t)), so that the average forgets the untrained network soon and short runs gain by it,
    too (the ramp of TensorFlow's ``ExponentialMovingAverage``). Whole numbers, such as counters and the index tables of
    Swin, have no mean and are taken as they are.
    """
    if decay == 0:
        return None

    def update(averages: _Tensors, weights: _Tensors, number: Tensor | int) -> None:
        if not averages[0].is_floating_point():  # torch hands over the tensors of one kind at a time
            for average, weight in zip(averages, weights, strict=True):
                average.copy_(weight)
            return
        step = int(number)
        get_ema_multi_avg_fn(min(decay, (1 + step) / (10 + step)))(averages, weights, number)  # type: ignore[no-untyped-call]

    return AveragedModel(model, multi_avg_fn=update, use_buffers=True)
