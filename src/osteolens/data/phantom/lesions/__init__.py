"""Lesions by subtype, each with the sign by which a radiologist knows it."""

from __future__ import annotations

import numpy as np

from osteolens.data.phantom.geometry import Detector
from osteolens.data.phantom.lesions import forming, lytic
from osteolens.data.phantom.lesions.footprint import Effect, footprint
from osteolens.data.phantom.lesions.plan import HABITS, Lesion, Subtype, draw_lesions, host_tube
from osteolens.data.phantom.limb import Limb
from osteolens.data.phantom.scenes import Scene, joint_position

__all__ = ["HABITS", "Effect", "Lesion", "Subtype", "draw_lesions", "lesion_effect"]

SIGNS = {
    "osteochondroma": forming.osteochondroma,
    "multiple osteochondromas": forming.osteochondroma,
    "simple bone cyst": lytic.simple_bone_cyst,
    "giant cell tumor": lytic.giant_cell_tumor,
    "osteofibroma": lytic.osteofibroma,
    "other bt": lytic.enchondroma,
    "osteosarcoma": forming.osteosarcoma,
    "other mt": lytic.moth_eaten,
}


def lesion_effect(
    lesion: Lesion, scene: Scene, limb: Limb, detector: Detector, generator: np.random.Generator
) -> Effect:
    """Return what a lesion changes in one view.

    Parameters
    ----------
    generator
        Of the case and lesion, not of the view, so that solid details are the same in every view.
    """
    tube = host_tube(limb, lesion.host)
    spot = footprint(lesion, tube, limb.bones[lesion.host.bone].parts, detector)
    if lesion.subtype == "synovial osteochondroma":
        return forming.synovial_bodies(joint_position(scene, limb), spot, generator)
    return SIGNS[lesion.subtype](spot, generator)
