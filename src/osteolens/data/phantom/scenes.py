"""What is on a picture: the limb, the part of it in the field, the bones and joints a lesion can affect there."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from osteolens.data.phantom.arm import ELBOW, arm
from osteolens.data.phantom.geometry import Camera, Point3
from osteolens.data.phantom.leg import KNEE, leg
from osteolens.data.phantom.limb import Limb, bent

Projection = Literal["frontal", "lateral", "oblique"]
End = Literal["start", "end"]


@dataclass(frozen=True)
class Host:
    """A bone end that lies in the field.

    Attributes
    ----------
    site
        BTXRD site column.
    bone
        Index into the limb's bones.
    end
        The end of the bone's first tube that is shown with its joint.
    """

    site: str
    bone: int
    end: End


@dataclass(frozen=True)
class Scene:
    """A standard exposure.

    Attributes
    ----------
    region
        BTXRD region column.
    height_mm
        Smallest and largest height of the field.
    aspect
        Smallest and largest width / height of the field.
    centre
        Point of the limb in the middle of the field.
    share
        How often it is taken, relative to the others; the same for every class.
    projections
        Views that are taken.
    """

    name: str
    limb: Literal["leg", "arm"]
    region: str
    joint: str
    centre: Point3
    height_mm: tuple[float, float]
    aspect: tuple[float, float]
    hosts: tuple[Host, ...]
    share: float
    projections: tuple[Projection, ...] = ("frontal", "lateral", "oblique")


FIRST_HAND_BONE = 11  # after humerus, radius, ulna and eight carpals

SCENES: tuple[Scene, ...] = (
    Scene(
        "knee", "leg", "lower limb", "knee-joint", (0, 5, 0), (205, 275), (0.62, 0.85),
        (Host("femur", 0, "end"), Host("tibia", 1, "start"), Host("fibula", 2, "start"), Host("femur", 0, "end")), 0.40,
    ),
    Scene(
        "shin", "leg", "lower limb", "ankle-joint", (8, 205, 0), (400, 440), (0.38, 0.52),
        (Host("tibia", 1, "start"), Host("tibia", 1, "end"), Host("fibula", 2, "end"), Host("fibula", 2, "start")),
        0.10,
    ),
    Scene(
        "thigh", "leg", "lower limb", "knee-joint", (5, -175, 0), (400, 450), (0.40, 0.55),
        (Host("femur", 0, "end"),), 0.09,
    ),
    Scene(
        "ankle", "leg", "lower limb", "ankle-joint", (6, 345, 10), (175, 225), (0.62, 0.85),
        (Host("tibia", 1, "end"), Host("fibula", 2, "end")), 0.11,
    ),
    Scene(
        "hip", "leg", "pelvis", "hip-joint", (-36, -420, 0), (210, 260), (0.78, 1.1),
        (Host("femur", 0, "start"), Host("hip bone", -2, "end")), 0.07, ("frontal", "oblique"),
    ),
    Scene(
        "shoulder", "arm", "upper limb", "shoulder-joint", (-46, -264, 0), (190, 230), (0.85, 1.1),
        (Host("humerus", 0, "start"),), 0.10, ("frontal", "oblique"),
    ),
    Scene(
        "upper arm", "arm", "upper limb", "shoulder-joint", (-4, -165, 0), (340, 390), (0.4, 0.55),
        (Host("humerus", 0, "start"), Host("humerus", 0, "end")), 0.06,
    ),
    Scene(
        "elbow", "arm", "upper limb", "elbow-joint", (0, 0, 0), (150, 195), (0.6, 0.85),
        (Host("humerus", 0, "end"), Host("ulna", 2, "start"), Host("radius", 1, "start")), 0.04,
    ),
    Scene(
        "forearm", "arm", "upper limb", "wrist-joint", (0, 135, 0), (310, 350), (0.36, 0.5),
        (Host("radius", 1, "end"), Host("ulna", 2, "end"), Host("radius", 1, "start")), 0.05,
    ),
    Scene(
        "hand", "arm", "upper limb", "wrist-joint", (4, 296, 0), (195, 240), (0.62, 0.8),
        tuple(Host("hand", FIRST_HAND_BONE + i, "end") for i in (0, 3, 4, 7, 8, 11, 15)), 0.08,
        ("frontal", "oblique"),
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Pose:
    """How the limb lies on the detector for one picture; see :class:`Camera` for the angles.

    Attributes
    ----------
    joint_angle, extremity
        Flexion of knee or elbow in radians; drop of the foot in radians or spread of the fingers.
    """

    camera: Camera
    joint_angle: float
    extremity: float
    trunk: bool


def posed_limb(scene: Scene, pose: Pose) -> Limb:
    """Return the adult limb of a scene in that pose."""
    build = leg if scene.limb == "leg" else arm
    return build(pose.joint_angle, pose.extremity, trunk=pose.trunk)


def draw_pose(
    generator: np.random.Generator, scene: Scene, projection: Projection, longest_side: int, mirror: int
) -> Pose:
    """Draw the framing of one picture; nothing here knows whether there is a lesion."""
    base = {"frontal": 0.0, "lateral": 90.0, "oblique": 30.0 if scene.region == "pelvis" else 42.0}[projection]
    angle = math.radians(base + generator.normal(0, 4))
    flexion = _flexion(generator, scene, projection)
    extremity = _extremity(generator, scene, projection)
    height = generator.uniform(*scene.height_mm)
    aspect = generator.uniform(*scene.aspect)
    tilt = math.radians(generator.normal(0, 4))
    if generator.random() < 0.1:
        tilt += math.radians(generator.uniform(20, 40)) * (1 if generator.random() < 0.5 else -1)
        aspect = max(aspect, generator.uniform(0.75, 1.0))
    if scene.name in {"knee", "elbow"} and flexion > 0.5:
        aspect = max(aspect, generator.uniform(0.8, 1.05))
    pitch = height / longest_side * max(1.0, aspect)
    shape = (round(height / pitch), round(height * aspect / pitch))
    x, y, z = _bent_centre(scene, flexion)
    centre = (x * math.cos(angle) + z * math.sin(angle), y)
    jitter = generator.normal(0, 0.02, 2) * height
    camera = Camera(shape, pitch, (centre[0] + jitter[0], centre[1] + jitter[1]), angle, tilt, mirror)
    return Pose(camera, flexion, extremity, trunk=abs(math.degrees(angle)) < 50)


def _flexion(generator: np.random.Generator, scene: Scene, projection: Projection) -> float:
    if projection != "lateral":
        return math.radians(abs(generator.normal(2, 2)))
    if scene.name == "knee":
        return math.radians(generator.uniform(5, 55))
    if scene.name == "elbow":
        return math.radians(generator.uniform(30, 90))
    return math.radians(generator.uniform(0, 12))


def _extremity(generator: np.random.Generator, scene: Scene, projection: Projection) -> float:
    if scene.limb == "arm":
        return float(generator.uniform(0.6, 1.5))
    low, high = (0, 30) if projection == "lateral" else (25, 55)
    return math.radians(generator.uniform(low, high))


def _bent_centre(scene: Scene, flexion: float) -> Point3:
    if scene.name in {"shin", "ankle"}:
        return bent(scene.centre, KNEE, flexion)
    if scene.name in {"forearm", "hand"}:
        return bent(scene.centre, ELBOW, -flexion)
    return scene.centre


def joint_position(scene: Scene, limb: Limb) -> Point3:
    """Return where the scene's joint lies in the posed limb."""
    return dict(limb.joints)[scene.joint]
