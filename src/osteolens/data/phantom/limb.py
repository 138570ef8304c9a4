"""A limb: named bones, soft tissue and air, joints; how a patient's age and build change it; how a joint bends."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

import numpy as np

from osteolens.data.phantom.geometry import Point3
from osteolens.data.phantom.solids import Ellipsoid, Solid
from osteolens.data.phantom.tube import Cap, Knot, Tube

GROWTH_PLATE_CLOSES = 16
GROWTH_PLATE_MM, PLATE_MM_PER_YEAR = 1.4, 0.09  # width when it closes, and for each year before
SMALLEST_CORE = 0.4  # of the full size


@dataclass(frozen=True)
class Bone:
    """One bone: overlapping solids that share one marrow.

    Attributes
    ----------
    site
        Name of the BTXRD site column.
    parts
        The first is the tube in which a lesion can sit, where the bone has one.
    ossified
        Age in years at which its bony core has its full size.
    """

    site: str
    parts: tuple[Solid, ...]
    ossified: int = 0


@dataclass(frozen=True)
class Limb:
    """Everything the ray meets.

    Attributes
    ----------
    bones
        In a fixed order, so that a lesion can name its host by index.
    flesh
        Solids whose shell is fat and whose core is muscle; where they overlap the longest path counts.
    air
        Solids filled with air (lung).
    joints
        Name of the BTXRD joint column to the joint's position.
    """

    bones: tuple[Bone, ...]
    flesh: tuple[Solid, ...]
    air: tuple[Solid, ...]
    joints: tuple[tuple[str, Point3], ...]


@dataclass(frozen=True)
class Build:
    """What is particular to a patient.

    Attributes
    ----------
    age
        In years; open growth plates below 16, small cores of short bones in the young, thinner shells above 55.
    slender
        Factor on the width of bones.
    cortex
        Factor on the thickness of shells.
    fat
        Thickness of the fat under the skin in millimetres.
    muscle
        Factor on the girth of the limb.
    """

    age: int
    slender: float
    cortex: float
    fat: float
    muscle: float


def draw_build(generator: np.random.Generator, age: int) -> Build:
    """Draw a patient of that age."""
    ageing = 1 - 0.35 * max(age - 55, 0) / 35
    return Build(
        age=age,
        slender=float(np.clip(generator.normal(1, 0.06), 0.85, 1.15)),
        cortex=float(np.clip(generator.normal(1, 0.1), 0.75, 1.3)) * ageing,
        fat=float(generator.uniform(2.5, 9)),
        muscle=float(np.clip(generator.normal(1, 0.1), 0.8, 1.25)),
    )


def knots(*rows: tuple[float, ...]) -> tuple[Knot, ...]:
    """Return tube knots from rows of 7 values, or of 4: position, radius, shell, density of a round section."""
    full: list[Knot] = []
    for row in rows:
        if len(row) == 4:
            position, radius, shell, density = row
            full.append((position, radius, radius, radius, radius, shell, density))
        else:
            a, b, c, d, e, f, g = row
            full.append((a, b, c, d, e, f, g))
    return tuple(full)


def fleshy(start: Point3, end: Point3, *radii: tuple[float, float], rounding: float = 12.0) -> Tube:
    """Return a piece of limb from pairs (position, radius); its shell of 1 mm is scaled to the patient's fat."""
    rows = [(position, radius, 1.0, 1.0) for position, radius in radii]
    return Tube(start, end, knots(*rows), (Cap(rounding), Cap(rounding)))


def grown(limb: Limb, build: Build) -> Limb:
    """Return the limb as this patient has it."""
    bones = tuple(_grown_bone(bone, build) for bone in limb.bones)
    flesh = tuple(_grown_flesh(part, build) for part in limb.flesh)
    return dataclasses.replace(limb, bones=bones, flesh=flesh)


def _grown_bone(bone: Bone, build: Build) -> Bone:
    core = max(SMALLEST_CORE, build.age / bone.ossified) if build.age < bone.ossified else 1.0
    return dataclasses.replace(bone, parts=tuple(_grown_part(part, build, core) for part in bone.parts))


def _grown_part(part: Solid, build: Build, core: float) -> Solid:
    if isinstance(part, Ellipsoid):
        side, along, front = (radius * core for radius in part.radii)
        radii = (side * build.slender, along, front * build.slender)
        return dataclasses.replace(part, radii=radii, shell=part.shell * build.cortex * core)
    if not isinstance(part, Tube):
        return part
    scaled = tuple(
        (k[0], *(side * build.slender for side in k[1:5]), k[5] * build.cortex * build.slender, k[6])
        for k in part.knots
    )
    years = GROWTH_PLATE_CLOSES - build.age
    plates = part.plates if years > 0 else ()
    width = GROWTH_PLATE_MM + PLATE_MM_PER_YEAR * max(years, 0)
    return dataclasses.replace(part, knots=knots(*scaled), plates=plates, plate_width=width)


def _grown_flesh(part: Solid, build: Build) -> Solid:
    if isinstance(part, Ellipsoid):
        return dataclasses.replace(part, shell=build.fat)
    if not isinstance(part, Tube):
        return part
    rows = []
    for knot in part.knots:
        fat = min(build.fat, 0.3 * knot[1])
        girth = build.muscle if knot[1] > 20 else 1.0
        rows.append((knot[0], *(side * girth + fat for side in knot[1:5]), fat, 1.0))
    return dataclasses.replace(part, knots=knots(*rows))


def bent(point: Point3, hinge: Point3, flexion: float) -> Point3:
    """Return `point` turned about a side-to-side axis through `hinge`; a positive angle moves it backwards."""
    x, y, z = point
    dy, dz = y - hinge[1], z - hinge[2]
    cosine, sine = math.cos(flexion), math.sin(flexion)
    return x, hinge[1] + dy * cosine + dz * sine, hinge[2] + dz * cosine - dy * sine


def bent_solid(part: Solid, hinge: Point3, flexion: float) -> Solid:
    """Return a solid moved by a bent joint."""
    if isinstance(part, Ellipsoid):
        return dataclasses.replace(part, centre=bent(part.centre, hinge, flexion))
    if isinstance(part, Tube):
        return dataclasses.replace(part, start=bent(part.start, hinge, flexion), end=bent(part.end, hinge, flexion))
    return part


def bent_bone(bone: Bone, hinge: Point3, flexion: float) -> Bone:
    """Return a bone moved by a bent joint."""
    return dataclasses.replace(bone, parts=tuple(bent_solid(part, hinge, flexion) for part in bone.parts))
