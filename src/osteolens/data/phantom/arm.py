"""The arm in millimetres: the elbow is at 0, y runs down to the hand, x to the thumb's side, z to the front."""

from __future__ import annotations

import math
from dataclasses import dataclass

from osteolens.data.phantom.geometry import Point3
from osteolens.data.phantom.limb import Bone, Limb, bent, bent_bone, bent_solid, fleshy, knots
from osteolens.data.phantom.solids import Ellipsoid, Solid
from osteolens.data.phantom.tube import Cap, Tube

ELBOW: Point3 = (0.0, 0.0, 0.0)
WRIST: Point3 = (2.0, 248.0, 0.0)
SHOULDER: Point3 = (-26.0, -302.0, 0.0)

HUMERUS = Bone(
    "humerus",
    (
        Tube(
            start=(4, -318, 0),
            end=(0, -3, 0),
            knots=knots(
                (0.00, 16, 18, 18, 18, 1.4, 0.45),
                (0.06, 20, 20, 19, 19, 1.6, 0.42),
                (0.14, 17, 17, 16, 16, 2.4, 0.30),
                (0.22, 12.5, 13, 13, 13, 4.0, 0.14),
                (0.40, 11, 11, 11, 11, 4.8, 0.08),
                (0.70, 11, 11, 9.5, 9.5, 4.5, 0.10),
                (0.86, 17, 17, 8.5, 8.5, 3.0, 0.25),
                (0.94, 29, 26, 8, 10, 1.8, 0.40),
                (1.00, 26, 21, 9, 10, 1.4, 0.45),
            ),
            caps=(Cap(14), Cap(9, ((-1, -4), (-0.45, 3), (-0.1, -2), (0.2, 0), (0.55, 2), (1, -4)))),
            plates=(0.125,),
        ),
        Ellipsoid((-8, -305, 0), (23, 22, 22), 1.2, 0.46),
        Ellipsoid((0, -4, 3), (20, 7, 9), 1.2, 0.45),
    ),
)
RADIUS = Bone(
    "radius",
    (
        Tube(
            start=(17, 7, 2),
            end=(12, 240, 0),
            knots=knots(
                (0.00, 11, 1.2, 0.4), (0.04, 11, 1.2, 0.4), (0.08, 7.5, 2.0, 0.25), (0.14, 8.5, 2.2, 0.15),
                (0.45, 7, 2.8, 0.08), (0.78, 8, 2.4, 0.15), (0.92, 14, 1.5, 0.42), (1.00, 17, 1.1, 0.5),
            ),
            caps=(Cap(4), Cap(5, ((-1, -2), (0, 0), (0.6, 4), (0.85, 11), (1, 9)))),
            bow=5,
            plates=(0.945,),
        ),
    ),
)  # fmt: skip
ULNA = Bone(
    "ulna",
    (
        Tube(
            start=(-9, -20, -14),
            end=(-16, 240, 0),
            knots=knots(
                (0.00, 10, 1.6, 0.4), (0.06, 11, 1.6, 0.4), (0.14, 12, 2.2, 0.35), (0.24, 8, 2.6, 0.15),
                (0.55, 6.5, 2.8, 0.08), (0.88, 5.5, 2.0, 0.2), (0.96, 7.5, 1.2, 0.4), (1.00, 7.5, 1.1, 0.4),
            ),
            caps=(Cap(7), Cap(4, ((-1, 6), (-0.6, 5), (-0.2, 0), (1, 0)))),
            bow=-3,
            plates=(0.955,),
        ),
        Ellipsoid((-8, 6, 6), (10, 9, 8), 1.4, 0.4),
    ),
)  # fmt: skip
CARPALS = tuple(
    Bone("hand", (Ellipsoid((x, y, z), (rx, ry, 9), 1.2, 0.5, tilt),), ossified=12)
    for x, y, z, rx, ry, tilt in (
        (18, 255, 0, 8, 12, 0.6),
        (3, 252, 0, 9, 8, 0.0),
        (-10, 256, 0, 8, 7, 0.4),
        (-14, 257, 9, 6, 6, 0.0),
        (24, 269, 2, 8, 7, 0.3),
        (14, 269, 1, 6, 7, 0.0),
        (2, 268, 0, 8, 12, 0.0),
        (-11, 270, 1, 8, 9, 0.4),
    )
)
SCAPULA = Bone(
    "scapula",
    (
        Ellipsoid((-36, -300, -4), (7, 19, 12), 1.6, 0.35, -0.15),
        Tube((-40, -300, -8), (-78, -290, -20), knots((0, 10, 1.8, 0.3), (1, 12, 1.0, 0.2)), (Cap(8), Cap(14))),
        Ellipsoid((-80, -252, -28), (36, 66, 6), 1.8, 0.2, -0.3),
        Tube((-110, -310, -34), (4, -340, -10), knots((0, 5, 1.5, 0.2), (0.6, 7, 1.6, 0.3), (1, 9, 1.4, 0.35)), bow=4),
        Ellipsoid((-34, -322, 20), (9, 8, 14), 1.4, 0.35),
        Tube((-44, -296, -10), (-92, -196, -26), knots((0, 6, 2.0, 0.2), (1, 4, 2.0, 0.2))),
    ),
)
CLAVICLE = Bone(
    "clavicle",
    (Tube((-175, -322, 25), (-10, -346, -2), knots((0, 9, 2.0, 0.3), (0.5, 6, 2.4, 0.15), (1, 8, 1.5, 0.35)), bow=-9),),
)
RIBS = tuple(
    Bone(
        "rib",
        (
            Tube(
                (-215, -318 + 29 * i, -30), (-96 + 5 * i - 0.6 * i * i, -268 + 31 * i, 0),
                knots((0, 6, 1.0, 0.2), (0.7, 6, 1.0, 0.2), (1, 5.5, 1.0, 0.2)), bow=26,
            ),
            Tube(
                (-96 + 5 * i - 0.6 * i * i, -268 + 31 * i, 0), (-200, -196 + 31 * i, 40),
                knots((0, 5.5, 0.8, 0.15), (1, 6.5, 0.8, 0.15)), bow=16,
            ),
        ),
    )
    for i in range(8)
)  # fmt: skip
CHEST: tuple[Solid, ...] = (
    Ellipsoid((-185, -190, 0), (140, 200, 80)),
    Ellipsoid((-52, -285, 0), (70, 66, 40), tilt=0.35),
    fleshy((-210, -345, 0), (-6, -322, 0), (0, 46), (0.6, 40), (1, 46), rounding=40),
)
LUNG = Ellipsoid((-182, -165, 0), (88, 150, 72), 0.0, 1.0, -0.06)
JOINT_GAP = 2.2


@dataclass(frozen=True)
class Digit:
    """One finger: base of its metacarpal, direction from the arm's axis, lengths in mm from there outwards."""

    base: tuple[float, float]
    degrees: float
    lengths: tuple[int, ...]
    thickness: float


DIGITS = (
    Digit((27, 277), 36, (44, 30, 23), 1.1),
    Digit((15, 283), 9, (64, 40, 23, 17), 1.0),
    Digit((3, 284), 1, (62, 44, 27, 18), 1.0),
    Digit((-7, 282), -7, (55, 40, 25, 18), 0.95),
    Digit((-17, 278), -16, (51, 32, 18, 16), 0.88),
)


def _digit(digit: Digit, spread: float) -> list[Tube]:
    """Return the metacarpal and the phalanges of one digit."""
    x, y = digit.base
    direction = math.radians(digit.degrees * spread)
    dx, dy = math.sin(direction), math.cos(direction)
    bones: list[Tube] = []
    for length, slimmer in zip(digit.lengths, (1.0, 0.95, 0.8, 0.62), strict=False):
        w = digit.thickness * slimmer
        rows = knots(
            (0.0, 8.0 * w, 1.0, 0.42), (0.1, 8.0 * w, 1.0, 0.4), (0.3, 5.0 * w, 1.9 * w, 0.15),
            (0.7, 4.7 * w, 1.9 * w, 0.15), (0.9, 7.0 * w, 1.0, 0.4), (1.0, 6.6 * w, 1.0, 0.4),
        )  # fmt: skip
        end = (x + dx * length, y + dy * length, 0)
        bones.append(Tube((x, y, 0), end, rows, (Cap(2.5), Cap(6.0 * w)), plates=(0.1,)))
        x, y = end[0] + dx * JOINT_GAP, end[1] + dy * JOINT_GAP
    return bones


def arm(flexion: float, spread: float, *, trunk: bool) -> Limb:
    """Return the arm of an adult.

    Parameters
    ----------
    flexion
        Of the elbow in radians.
    spread
        Of the fingers; 1 is relaxed.
    trunk
        Whether chest and shoulder blade lie in the beam.
    """
    digits = [_digit(digit, spread) for digit in DIGITS]
    hand = [*CARPALS, *(Bone("hand", (bone,)) for digit in digits for bone in digit)]
    lower = [bent_bone(bone, ELBOW, -flexion) for bone in (RADIUS, ULNA, *hand)]
    flesh: list[Solid] = [
        fleshy((0, -34, -4), (0, 272, 0), (0, 34), (0.12, 38), (0.28, 40), (0.6, 31), (0.9, 25), (1, 26), rounding=34),
        Ellipsoid((4, 300, 0), (42, 52, 16)),
        *(fleshy(d[0].axis_point(0.6), d[-1].axis_point(1.15), (0, 11), (1, 7.5), rounding=6) for d in digits),
    ]
    return Limb(
        bones=(HUMERUS, *lower, *((SCAPULA, CLAVICLE, *RIBS) if trunk else ())),
        flesh=(
            fleshy(
                (4, -345, 0), (0, 36, 0), (0, 46), (0.15, 54), (0.4, 44), (0.8, 38), (0.92, 38), (1, 34), rounding=34
            ),
            *(bent_solid(part, ELBOW, -flexion) for part in flesh),
            *(CHEST if trunk else ()),
        ),
        air=(LUNG,) if trunk else (),
        joints=(
            ("elbow-joint", ELBOW),
            ("wrist-joint", bent(WRIST, ELBOW, -flexion)),
            ("shoulder-joint", SHOULDER),
        ),
    )
