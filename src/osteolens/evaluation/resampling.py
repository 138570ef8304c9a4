"""How intervals are drawn: one record of its options, which every figure with an interval is given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from osteolens.config import Config
from osteolens.config.evaluation import EvaluationOptions
from osteolens.evaluation.bootstrap import bootstrap_weights
from osteolens.randomness import named_generator

IntervalMethod = Literal["percentile", "bca"]
_DEFAULT, _SEED = EvaluationOptions(), int(Config.model_fields["seed"].default)


@dataclass(frozen=True, slots=True)
class Resampling:
    """Number of resamples of the bootstrap by case, level of the intervals (0 to 1), seed of the draws, kind of limits.

    The defaults are those of the configuration. Differences have percentile limits whatever `method` says.
    """

    resamples: int = _DEFAULT.bootstrap_resamples
    confidence: float = _DEFAULT.confidence
    seed: int = _SEED
    method: IntervalMethod = _DEFAULT.intervals

    @classmethod
    def of(cls, config: Config) -> Resampling:
        """Return what a configuration asks for."""
        options = config.evaluation
        return cls(options.bootstrap_resamples, options.confidence, config.seed, options.intervals)

    def weights(self, cases: NDArray[np.str_], labels: NDArray[np.int64]) -> NDArray[np.int32]:
        """Return [B, N] how often each image is drawn, the same for all figures of the same images.

        See :func:`osteolens.evaluation.bootstrap.bootstrap_weights`.
        """
        return bootstrap_weights(cases, labels, self.resamples, named_generator(self.seed, "bootstrap"))
