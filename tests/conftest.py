"""Fixtures that the whole suite shares."""

from __future__ import annotations

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"


def _shared(name: str) -> Path:
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"needs {name} in the folder shared/ beside the checkout")
    return path


@pytest.fixture(scope="session")
def btxrd256() -> Path:
    """The real data set at 256 x 256."""
    return _shared("btxrd256")


@pytest.fixture(scope="session")
def btxrd_originals() -> Path:
    """Thirty full-size radiographs of the release."""
    return _shared("btxrd_originals")


@pytest.fixture(scope="session")
def imagenet_weights() -> Path:
    """ImageNet weights of MobileNetV2."""
    return _shared("weights/mobilenetv2_100_imagenet.safetensors")
