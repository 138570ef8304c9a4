"""One picture of a case: pose the limb, place the lesions, expose, develop, dress."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from osteolens.config import PhantomOptions
from osteolens.data.phantom.cases import Case
from osteolens.data.phantom.exposure import attenuate, detect
from osteolens.data.phantom.geometry import Detector
from osteolens.data.phantom.lesions import Effect, Lesion, draw_lesions, lesion_effect
from osteolens.data.phantom.lesions.footprint import BoolArray
from osteolens.data.phantom.limb import Limb, draw_build, grown
from osteolens.data.phantom.markers import Marker
from osteolens.data.phantom.noise import Picture, smooth_noise
from osteolens.data.phantom.processing import STYLES, Settings, develop, draw_settings, dress
from osteolens.data.phantom.scenes import Pose, draw_pose, posed_limb
from osteolens.randomness import named_generator

WARP_MM, WARP_SCALE_MM = 0.7, 28.0


@dataclass(frozen=True)
class Render:
    """A picture and its truth.

    Attributes
    ----------
    picture
        8-bit grey, (height, width).
    outlines
        One mask per outline, (height, width).
    quality
        JPEG quality its source stores it with.
    marker
        The side marker, where there is one.
    """

    picture: Picture
    outlines: tuple[BoolArray, ...]
    quality: int
    marker: Marker | None


def render_view(case: Case, view: int, options: PhantomOptions, *, seed: int, lesions: bool = True) -> Render:
    """Render one view of a case.

    Parameters
    ----------
    view
        Index into the case's views.
    lesions
        False shows the same patient, exposure and noise without the lesions.
    """
    settings, pose = _draw_view(case, view, options, seed)
    limb = _limb(case, pose, seed)
    detector = _detector(pose, named_generator(seed, "phantom", "warp", case.number))
    effects = _effects(case, limb, detector, options, seed) if lesions else ()
    generator = named_generator(seed, "phantom", "exposure", case.number, view)
    attenuation = attenuate(limb, detector, effects, generator).exaggerated(options.lesion_contrast)
    signal = detect(attenuation, photons=settings.photons, blur=settings.blur, generator=generator)
    grey = develop(signal, attenuation, settings)
    side = "L" if case.mirror == 1 else "R"
    plate = bears_plate(case, view, options, seed)
    picture, marker = dress(grey, attenuation.healthy, STYLES[case.source], side, generator, plate=plate)
    return Render(picture, tuple(mask for effect in effects for mask in effect.outlines), settings.quality, marker)


def bears_plate(case: Case, view: int, options: PhantomOptions, seed: int) -> bool:
    """Whether the marker shortcut is planted in a picture; a stronger shortcut adds to a weaker one."""
    chance = named_generator(seed, "phantom", "marker plate", case.number, view).random()
    return case.malignant and bool(chance < options.shortcuts.marker)


def _draw_view(case: Case, view: int, options: PhantomOptions, seed: int) -> tuple[Settings, Pose]:
    generator = named_generator(seed, "phantom", "view", case.number, view)
    settings = draw_settings(generator, case.source, options.longest_side, options.shortcuts.export_size)
    return settings, draw_pose(generator, case.scene, case.views[view], settings.longest_side, case.mirror)


def _limb(case: Case, pose: Pose, seed: int) -> Limb:
    build = draw_build(named_generator(seed, "phantom", "build", case.number), case.age)
    return grown(posed_limb(case.scene, pose), build)


def _detector(pose: Pose, generator: np.random.Generator) -> Detector:
    """Return the pixel coordinates, bent a little, so that no bone is a perfect solid of revolution."""
    x, y = pose.camera.plane()
    scale = WARP_SCALE_MM / pose.camera.pitch
    x += np.float32(WARP_MM) * smooth_noise(generator, pose.camera.shape, scale)
    y += np.float32(WARP_MM) * smooth_noise(generator, pose.camera.shape, scale)
    return Detector(pose.camera, x, y)


def _effects(case: Case, limb: Limb, detector: Detector, options: PhantomOptions, seed: int) -> tuple[Effect, ...]:
    effects = []
    for lesion in case_lesions(case, options, seed):
        generator = named_generator(seed, "phantom", "lesion", case.number, lesion.number)
        effects.append(lesion_effect(lesion, case.scene, limb, detector, generator))
    return tuple(effects)


@functools.lru_cache(maxsize=4)
def case_lesions(case: Case, options: PhantomOptions, seed: int) -> tuple[Lesion, ...]:
    """Return the lesions of a case, the same in all its views."""
    if case.subtype is None:
        return ()
    poses = [_draw_view(case, view, options, seed)[1] for view in range(len(case.views))]
    views = [(_limb(case, pose, seed), pose) for pose in poses]
    generator = named_generator(seed, "phantom", "lesions", case.number)
    return draw_lesions(generator, case.subtype, case.scene, views, options.lesion_scale)
