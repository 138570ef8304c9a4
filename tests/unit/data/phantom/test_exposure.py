"""Beer-Lambert, scatter and noise against hand-worked figures; textures against their definition."""

from __future__ import annotations

import math

import numpy as np
import pytest

from osteolens.data.phantom.exposure import MU_SOFT, Attenuation, attenuate, detect, wide_blur
from osteolens.data.phantom.geometry import Camera, Detector
from osteolens.data.phantom.limb import Limb, fleshy
from osteolens.data.phantom.noise import smooth_noise, trabecular_noise


def uniform(value: float, change: float = 0.0) -> Attenuation:
    return Attenuation(np.full((80, 60), value, np.float32), np.full((80, 60), change, np.float32))


def test_uniform_block_attenuates_by_beer_lambert_plus_scatter() -> None:
    signal = detect(uniform(1.5), photons=1e12, blur=0.6, generator=np.random.default_rng(0))
    assert signal == pytest.approx(1.5 - math.log(1.05), abs=1e-3)  # 5% of the primary comes back as scatter


def test_noise_follows_the_number_of_quanta() -> None:
    signal = detect(uniform(0.0), photons=1e4, blur=0.6, generator=np.random.default_rng(0))
    assert signal.std() == pytest.approx(1 / math.sqrt(1e4 * 1.05), rel=0.05)


def test_soft_tissue_of_known_thickness() -> None:
    camera = Camera((64, 64), 1.0, (0.0, 0.0), 0.0)
    limb = Limb((), (fleshy((0, -90, 0), (0, 90, 0), (0, 40), (1, 40)),), (), ())
    result = attenuate(limb, Detector(camera, *camera.plane()), (), np.random.default_rng(0))
    middle = result.healthy[8:56, 31:33].mean()
    assert middle == pytest.approx(80 * MU_SOFT, rel=0.03)  # texture averages out; the fat of 2 mm is a little lighter
    assert not result.change.any()


def test_wide_blur_keeps_a_constant() -> None:
    assert wide_blur(np.full((90, 50), 0.7, np.float32), 0.1) == pytest.approx(0.7, abs=1e-5)


@pytest.mark.parametrize("scale", [1.0, 3.0, 20.0])
def test_noise_fields_are_standardised(scale: float) -> None:
    generator = np.random.default_rng(1)
    for field in (smooth_noise(generator, (70, 50), scale), trabecular_noise(generator, (70, 50), scale, 0.3)):
        assert field.shape == (70, 50)
        assert field.mean() == pytest.approx(0, abs=1e-4)
        assert field.std() == pytest.approx(1, abs=1e-3)


def test_trabeculae_run_along_an_upright_limb() -> None:
    field = trabecular_noise(np.random.default_rng(2), (200, 200), 3.0, 0.0)
    assert np.abs(np.diff(field, axis=0)).mean() < 0.8 * np.abs(np.diff(field, axis=1)).mean()
