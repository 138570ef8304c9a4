"""Which lesion sits where: drawn once per case, so that every view shows the same lesion."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from osteolens.data.phantom.geometry import Camera
from osteolens.data.phantom.limb import Limb
from osteolens.data.phantom.scenes import Host, Pose, Scene
from osteolens.data.phantom.tube import Tube

Subtype = Literal[
    "osteochondroma",
    "multiple osteochondromas",
    "simple bone cyst",
    "giant cell tumor",
    "osteofibroma",
    "synovial osteochondroma",
    "other bt",
    "osteosarcoma",
    "other mt",
]
View = tuple[Limb, Pose]
Place = Literal["epiphysis", "metaphysis", "diaphysis", "joint"]

# Distance from the bone's end in multiples of its half width there.
DISTANCES: dict[Place, tuple[float, float]] = {
    "epiphysis": (0.35, 0.6),
    "metaphysis": (1.1, 1.8),
    "diaphysis": (2.2, 3.2),
    "joint": (0.0, 0.0),
}
INNER_FIELD = 0.78  # share of the field's sides in which a lesion's middle lies
NEAREST, FARTHEST = 0.01, 0.55  # distance from the end as a share of the bone's length
WAVES = 4  # in an irregular outline
AREA_SPREAD = 0.55  # of the logarithm
MEDIAN_AREA = {"benign": 0.028, "malignant": 0.045}
SMALLEST_AREA, LARGEST_AREA = 0.008, 0.08
JOINT_MM = (6.0, 17.0)  # smallest and largest reach of bodies in a joint


@dataclass(frozen=True)
class Habit:
    """How a subtype likes to grow.

    Attributes
    ----------
    places
        Where along the bone.
    eccentricity
        Smallest and largest distance from the axis, as a share of the bone's half width.
    elongation
        Smallest and largest length / width.
    widest
        Largest half width, as a multiple of the bone's half width.
    bones
        Bones it prefers where the picture shows them; empty is any.
    anterior
        Whether it sits in front of the axis instead of beside it.
    """

    malignant: bool
    places: tuple[Place, ...]
    eccentricity: tuple[float, float]
    elongation: tuple[float, float]
    widest: float
    bones: tuple[str, ...] = ()
    anterior: bool = False


HABITS: dict[Subtype, Habit] = {
    "osteochondroma": Habit(False, ("metaphysis",), (1.0, 1.0), (1.0, 1.4), 1.7),
    "multiple osteochondromas": Habit(False, ("metaphysis",), (1.0, 1.0), (1.0, 1.4), 1.6),
    "simple bone cyst": Habit(False, ("metaphysis", "diaphysis"), (0.0, 0.15), (1.3, 1.9), 1.08, ("humerus", "femur")),
    "giant cell tumor": Habit(False, ("epiphysis",), (0.25, 0.5), (0.9, 1.3), 0.95, ("femur", "tibia", "radius")),
    "osteofibroma": Habit(
        False, ("diaphysis", "metaphysis"), (0.65, 0.85), (1.8, 2.6), 0.75, ("tibia", "fibula"), anterior=True
    ),
    "synovial osteochondroma": Habit(False, ("joint",), (0.0, 0.0), (0.8, 1.2), 2.0),
    "other bt": Habit(False, ("metaphysis", "diaphysis"), (0.0, 0.3), (1.2, 1.8), 0.85),
    "osteosarcoma": Habit(True, ("metaphysis",), (0.5, 0.9), (1.1, 1.6), 2.2),
    "other mt": Habit(True, ("metaphysis", "diaphysis"), (0.0, 0.25), (1.5, 2.4), 1.15),
}


@dataclass(frozen=True)
class Lesion:
    """One lesion of a case.

    Attributes
    ----------
    position
        Along the host's first tube, 0 to 1.
    azimuth
        Direction from the axis in radians; 0 lateral, pi/2 anterior.
    eccentricity
        Distance from the axis as a share of the half width in that direction.
    half_width, half_length
        In millimetres, across and along the bone.
    wobble
        Rows (amplitude, phase) of the outline's waves, from two per turn upwards.
    number
        Counts the lesions of the case; names the texture's random stream.
    """

    subtype: Subtype
    host: Host
    position: float
    azimuth: float
    eccentricity: float
    half_width: float
    half_length: float
    wobble: tuple[tuple[float, float], ...]
    number: int


def draw_lesions(
    generator: np.random.Generator, subtype: Subtype, scene: Scene, views: Sequence[View], scale: float = 1.0
) -> tuple[Lesion, ...]:
    """Draw the lesions of a case; they lie inside the field of all its views.

    Parameters
    ----------
    views
        All views of the case; the first sets the lesions' size and the side of the bone that shows them best.
    scale
        Factor on width and length, over what the bone would hold.
    """
    count = int(generator.integers(2, 4)) if subtype == "multiple osteochondromas" else 1
    preferred = [host for host in scene.hosts if host.site in HABITS[subtype].bones] or scene.hosts
    start = int(generator.integers(len(preferred)))
    hosts = [preferred[(start + number) % len(preferred)] for number in range(count)]
    drawn = [_draw(generator, subtype, host, views, number=number, count=count) for number, host in enumerate(hosts)]
    return tuple(
        dataclasses.replace(lesion, half_width=scale * lesion.half_width, half_length=scale * lesion.half_length)
        for lesion in drawn
    )


def _draw(
    generator: np.random.Generator, subtype: Subtype, host: Host, views: Sequence[View], *, number: int, count: int
) -> Lesion:
    habit, (limb, pose) = HABITS[subtype], views[0]
    position = _draw_position(generator, habit, host, views)
    half_width, half_length = _draw_size(generator, habit, host_tube(limb, host), position, pose.camera, count=count)
    side = 0.0 if generator.random() < 0.5 else math.pi
    waviest = 0.09 if habit.malignant else 0.05
    return Lesion(
        subtype=subtype,
        host=host,
        position=position,
        azimuth=(math.pi / 2 if habit.anterior else pose.camera.angle + side) + generator.normal(0, 0.35),
        eccentricity=generator.uniform(*habit.eccentricity),
        half_width=half_width,
        half_length=half_length,
        wobble=tuple((generator.uniform(0, waviest), generator.uniform(0, 2 * math.pi)) for _ in range(WAVES)),
        number=number,
    )


def _draw_position(generator: np.random.Generator, habit: Habit, host: Host, views: Sequence[View]) -> float:
    """Return a position 0 to 1 at a distance from the bone's end that suits the subtype and stays in the field."""
    tube = host_tube(views[0][0], host)
    place = habit.places[int(generator.integers(len(habit.places)))]
    end = 0.0 if host.end == "start" else 1.0
    distance = generator.uniform(*DISTANCES[place]) * float(tube.at(end)[:2].max()) / tube.length
    distance = min(distance, FARTHEST)
    while distance > NEAREST and not all(_in_field(view, host, abs(end - distance)) for view in views):
        distance *= 0.8
    return abs(end - distance)


def _in_field(view: View, host: Host, position: float) -> bool:
    limb, pose = view
    column, row = pose.camera.to_pixel(*pose.camera.project(host_tube(limb, host).axis_point(position)))
    height, width = pose.camera.shape
    return max(abs(column / width - 0.5), abs(row / height - 0.5)) < INNER_FIELD / 2


def _draw_size(
    generator: np.random.Generator, habit: Habit, tube: Tube, position: float, camera: Camera, *, count: int
) -> tuple[float, float]:
    """Return half width and length in mm: a log-normal share of the picture, as far as the bone can hold it."""
    median = MEDIAN_AREA["malignant" if habit.malignant else "benign"]
    share = np.clip(median * math.exp(generator.normal(0, AREA_SPREAD)), SMALLEST_AREA, LARGEST_AREA) / count
    area = float(share) * camera.shape[0] * camera.shape[1] * camera.pitch**2
    elongation = generator.uniform(*habit.elongation)
    width = min(math.sqrt(area / (math.pi * elongation)), habit.widest * float(tube.at(position)[:2].mean()))
    length = min(area / (math.pi * width), 2.2 * elongation * width)
    if "joint" in habit.places:
        width = float(np.clip(width, *JOINT_MM))
    return width, length


def host_tube(limb: Limb, host: Host) -> Tube:
    """Return the tube in which a lesion of that host sits."""
    tube = limb.bones[host.bone].parts[0]
    if not isinstance(tube, Tube):
        raise TypeError(f"bone {host.bone} ({host.site}) has no shaft to carry a lesion")
    return tube
