"""From solids to the signal of a detector: path lengths, Beer-Lambert attenuation, scatter, quantum noise."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from osteolens.data.phantom.geometry import Detector
from osteolens.data.phantom.lesions import Effect
from osteolens.data.phantom.limb import Bone, Limb
from osteolens.data.phantom.noise import FloatArray, smooth_noise, trabecular_noise
from osteolens.data.phantom.solids import Patch, Solid

# Linear attenuation in 1/mm at 60 keV: mass attenuation coefficients of ICRU-44 materials (NIST XCOM tables) times
# density: soft tissue 0.2048 cm2/g x 1.06, adipose tissue 0.1974 x 0.95, cortical bone 0.3148 x 1.92 g/cm3.
MU_SOFT = 0.0217
MU_FAT = 0.0188
MU_BONE = 0.0604
SPONGY_FRACTION = 0.42  # share of compact bone in a core of density 1
MOST_TAKEN = np.float32(0.8)  # share of a ray's attenuation that an exaggerated lesion can take away
MASS_CONTRAST = 0.35  # inside the body a mass mostly displaces muscle and fat; this share comes on top
BODY = 0.12  # attenuation from which a ray meets the body
SCATTER_FRACTION = 0.05
SCATTER_WIDTH = 0.1  # of the longest side
TRABECULA_MM = 0.75


@dataclass(frozen=True)
class Attenuation:
    """Line integrals of the attenuation coefficient, (height, width), without unit.

    Attributes
    ----------
    healthy
        Of the limb without its lesions.
    change
        What the lesions add (below 0: take away).
    """

    healthy: FloatArray
    change: FloatArray

    def exaggerated(self, factor: float) -> Attenuation:
        """Return the same with the lesions' change multiplied; a ray keeps some of what the healthy limb gives it."""
        change = np.maximum(np.float32(factor) * self.change, np.minimum(self.change, -MOST_TAKEN * self.healthy))
        return Attenuation(self.healthy, change)


def attenuate(
    limb: Limb, detector: Detector, effects: tuple[Effect, ...], generator: np.random.Generator
) -> Attenuation:
    """Integrate along every ray, once for the healthy limb and once for what the lesions change."""
    camera = detector.camera
    grain = trabecular_noise(generator, camera.shape, max(TRABECULA_MM / camera.pitch, 1.0), camera.tilt)
    lumps = smooth_noise(generator, camera.shape, 7 / camera.pitch)
    texture = np.maximum(1 + np.float32(0.11) * grain + np.float32(0.08) * lumps, 0)
    healthy = _flesh(limb, detector, generator)
    inside = np.clip(healthy / np.float32(BODY), 0, 1)
    mass = np.float32(MU_SOFT) * (1 - inside * np.float32(1 - MASS_CONTRAST))
    change = np.zeros_like(healthy)
    for index, bone in enumerate(limb.bones):
        window, added = _bone(bone.parts, detector, texture)
        healthy[window] += added
        for effect in effects:
            if effect.host % len(limb.bones) == index:
                change[window] -= added
                change += _altered(effect, bone, detector, texture, mass)
    return Attenuation(healthy, change)


def _flesh(limb: Limb, detector: Detector, generator: np.random.Generator) -> FloatArray:
    camera = detector.camera
    outer, inner = np.zeros((2, *camera.shape), dtype=np.float32)
    for solid in limb.flesh:
        patch = solid.project(detector)
        if patch is not None:
            window = patch.rows, patch.columns
            np.maximum(outer[window], patch.outer, out=outer[window])
            np.maximum(inner[window], patch.inner, out=inner[window])
    strands = trabecular_noise(generator, camera.shape, 7 / camera.pitch, camera.tilt)
    inner *= 1 + np.float32(0.025) * strands
    total = np.float32(MU_FAT) * (outer - inner) + np.float32(MU_SOFT) * inner
    for solid in limb.air:
        patch = solid.project(detector)
        if patch is not None:
            window = patch.rows, patch.columns
            total[window] -= np.float32(0.8 * MU_SOFT) * np.minimum(patch.outer, 0.8 * outer[window])
    return total


def _bone(parts: tuple[Solid, ...], detector: Detector, texture: FloatArray) -> tuple[tuple[slice, slice], FloatArray]:
    """Return where a bone lies and what it adds to the flesh it displaces; its parts share one marrow."""
    patches = [patch for part in parts if (patch := part.project(detector)) is not None]
    window = _union(patches)
    shape = texture[window].shape
    outer, inner, spongy = np.zeros((3, *shape), dtype=np.float32)
    for patch in patches:
        rows = slice(patch.rows.start - window[0].start, patch.rows.stop - window[0].start)
        columns = slice(patch.columns.start - window[1].start, patch.columns.stop - window[1].start)
        for canvas, path in ((outer, patch.outer), (inner, patch.inner), (spongy, patch.spongy)):
            np.maximum(canvas[rows, columns], path, out=canvas[rows, columns])
    compact = outer - inner + spongy * texture[window] * np.float32(SPONGY_FRACTION)
    return window, compact * np.float32(MU_BONE - MU_SOFT)


def _union(patches: list[Patch]) -> tuple[slice, slice]:
    if not patches:
        return slice(0, 0), slice(0, 0)
    top, bottom = min(p.rows.start for p in patches), max(p.rows.stop for p in patches)
    left, right = min(p.columns.start for p in patches), max(p.columns.stop for p in patches)
    return slice(top, bottom), slice(left, right)


def _altered(effect: Effect, bone: Bone, detector: Detector, texture: FloatArray, mass: FloatArray) -> FloatArray:
    """Return what the host bone and its lesion add; `mass` is the gain per mm of soft tissue, (height, width)."""
    total = effect.mineral * np.float32(MU_BONE - MU_SOFT) + effect.mass * mass
    window, added = _bone((*bone.parts, *effect.growth), detector, texture)
    total[window] += added * effect.keep[window]
    return total


def detect(attenuation: Attenuation, *, photons: float, blur: float, generator: np.random.Generator) -> FloatArray:
    """Return the logarithm of the detector's signal, ``-log(I / I0)``, (height, width).

    Scatter is taken from the healthy limb, so that a lesion changes its own pixels only.

    Parameters
    ----------
    photons
        Quanta per pixel of the open field.
    blur
        Unsharpness of focus and detector in pixels.
    """
    primary = np.exp(-(attenuation.healthy + attenuation.change))
    scatter = SCATTER_FRACTION * wide_blur(np.exp(-attenuation.healthy), SCATTER_WIDTH)
    intensity = cv2.GaussianBlur(primary, (0, 0), blur) + scatter
    noise = generator.standard_normal(intensity.shape, dtype=np.float32)
    noisy = intensity + noise * np.sqrt(intensity / np.float32(photons))
    return -np.log(np.maximum(noisy, 1e-4)).astype(np.float32)


def wide_blur(field: FloatArray, share: float) -> FloatArray:
    """Return `field` blurred by a share of its longest side, worked out on a coarse grid."""
    height, width = field.shape
    scale = 48 / max(height, width)
    size = (max(round(width * scale), 2), max(round(height * scale), 2))
    small = cv2.resize(field, size, interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), share * 48, borderType=cv2.BORDER_REPLICATE)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC).astype(np.float32)
