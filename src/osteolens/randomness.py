"""Named random generators: every draw depends on the one seed and on what it is for."""

from __future__ import annotations

import hashlib

import numpy as np


def named_generator(seed: int, *name: str | int) -> np.random.Generator:
    """Return a generator that depends on the seed and a name only, so that no order of calls can change a draw.

    Parameters
    ----------
    name
        What the draws are for, for example ``("augmentation", epoch, index)``.
    """
    digest = hashlib.sha256("\x1f".join(map(str, name)).encode()).digest()
    return np.random.default_rng(np.random.SeedSequence([seed, int.from_bytes(digest, "little")]))
