"""One small phantom data set for all tests of the layout."""

from __future__ import annotations

from pathlib import Path

import pytest

from osteolens.data.phantom import generate_phantom

IMAGES, LONGEST_SIDE, SEED = 200, 96, 7


@pytest.fixture(scope="session")
def phantom(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("data") / "phantom"
    generate_phantom(root, images=IMAGES, longest_side=LONGEST_SIDE, seed=SEED)
    return root
