"""The leg in millimetres: the knee is at 0, y runs down to the foot, x to the outer side, z to the front."""

from __future__ import annotations

from osteolens.data.phantom.geometry import Point3
from osteolens.data.phantom.limb import Bone, Limb, bent, bent_bone, bent_solid, fleshy, knots
from osteolens.data.phantom.solids import Ellipsoid, Solid
from osteolens.data.phantom.tube import Cap, Tube

KNEE: Point3 = (0.0, -26.0, -8.0)  # the axis of flexion runs through the condyles

FEMUR_SHAFT = Tube(
    start=(24, -418, 0),
    end=(0, -3, 0),
    knots=knots(
        (0.00, 22, 19, 17, 17, 1.6, 0.42),
        (0.05, 24, 17, 17, 17, 2.2, 0.40),
        (0.11, 21, 15, 16, 16, 3.5, 0.26),
        (0.15, 16, 14, 15, 15, 5.0, 0.16),
        (0.22, 14, 14, 14, 14, 6.0, 0.10),
        (0.55, 13.5, 13.5, 14, 14, 6.5, 0.08),
        (0.74, 16, 16, 15, 14, 4.0, 0.18),
        (0.83, 22, 21, 18, 17, 2.2, 0.34),
        (0.89, 32, 29, 23, 22, 1.4, 0.48),
        (0.93, 41, 37, 31, 26, 1.2, 0.52),
        (0.97, 43, 41, 30, 19, 1.2, 0.54),
        (1.00, 41, 40, 22, 10, 1.8, 0.55),
    ),
    caps=(
        Cap(14),
        Cap(
            10,
            (
                (-1, -8),
                (-0.85, 0),
                (-0.6, 3),
                (-0.35, 2),
                (-0.2, -1),
                (0, -6),
                (0.2, -1),
                (0.35, 2),
                (0.6, 2),
                (0.85, -1),
                (1, -9),
            ),
        ),
    ),
    plates=(0.945,),
    squareness=0.6,
)
FEMUR = Bone(
    "femur",
    (
        FEMUR_SHAFT,
        Tube(
            (20, -404, -2),
            (-40, -444, 7),
            knots((0, 24, 1.4, 0.42), (0.35, 19, 2.2, 0.40), (0.6, 16, 2.4, 0.40), (1, 18, 1.2, 0.45)),
            (Cap(16), Cap(14)),
        ),
        Ellipsoid((-43, -447, 8), (25, 25, 25), 0.8, 0.28),
        Ellipsoid((32, -420, -5), (13, 22, 15), 1.3, 0.36, -0.25),
        Ellipsoid((-20, -26, -8), (18, 25, 33), 0.6, 0.52, 0.08),
        Ellipsoid((19, -25, -6), (18, 24, 32), 0.6, 0.52, -0.08),
    ),
)
PATELLA = Bone("femur", (Ellipsoid((2, -32, 37), (21, 22, 9), 0.8, 0.28),), ossified=9)
TIBIA = Bone(
    "tibia",
    (
        Tube(
            start=(0, 3, -6),
            end=(-4, 368, 0),
            knots=knots(
                (0.00, 39, 40, 27, 24, 2.0, 0.62),
                (0.03, 39, 40, 27, 23, 1.4, 0.58),
                (0.06, 35, 35, 25, 24, 1.2, 0.50),
                (0.11, 27, 26, 21, 25, 1.6, 0.38),
                (0.17, 20, 20, 18, 22, 3.0, 0.24),
                (0.27, 15, 15, 15, 17, 5.0, 0.12),
                (0.50, 12.5, 12.5, 13, 14, 6.0, 0.08),
                (0.80, 12, 12, 12, 12, 4.5, 0.12),
                (0.92, 17, 17, 16, 15, 2.0, 0.38),
                (0.97, 24, 21, 19, 18, 1.2, 0.55),
                (1.00, 25, 21, 20, 18, 1.2, 0.58),
            ),
            caps=(
                Cap(
                    4,
                    (
                        (-1, -3),
                        (-0.85, 0),
                        (-0.5, -1),
                        (-0.28, 0),
                        (-0.14, 7),
                        (0, 2),
                        (0.14, 6),
                        (0.28, 0),
                        (0.5, -1),
                        (0.85, 0),
                        (1, -3),
                    ),
                ),
                Cap(5, ((-1, 14), (-0.75, 14), (-0.5, 0), (1, 0))),
            ),
            plates=(0.05, 0.955),
            squareness=0.5,
        ),
    ),
)
FIBULA = Bone(
    "fibula",
    (
        Tube(
            start=(42, 20, -22),
            end=(27, 385, -8),
            knots=knots(
                (0.00, 10, 1.2, 0.4), (0.03, 11, 1.2, 0.4), (0.08, 8, 2.0, 0.2), (0.16, 6.5, 2.6, 0.1),
                (0.80, 6.5, 2.8, 0.1), (0.90, 8, 2.0, 0.3), (0.96, 10.5, 1.2, 0.4), (1.00, 9, 1.2, 0.4),
            ),
            caps=(Cap(9), Cap(10)),
            bow=-4,
            plates=(0.945,),
        ),
    ),
)  # fmt: skip
HIP_BONE = Bone(
    "hip bone",
    (
        Tube(
            start=(-104, -585, -8),
            end=(-52, -428, 2),
            knots=knots(
                (0.0, 50, 52, 7, 7, 3.0, 0.3), (0.3, 56, 50, 6, 6, 2.0, 0.3), (0.55, 44, 38, 10, 9, 2.2, 0.35),
                (0.75, 34, 34, 20, 18, 2.2, 0.4), (0.88, 33, 36, 28, 26, 2.2, 0.4), (1.0, 28, 34, 24, 24, 2.2, 0.35),
            ),
            caps=(Cap(26), Cap(22)),
        ),
        Tube(
            (-62, -436, 18), (-130, -410, 34),
            knots((0, 15, 1.8, 0.35), (0.6, 10, 2.0, 0.3), (1, 17, 2.0, 0.3)), (Cap(9), Cap(10)),
        ),
        Tube((-72, -440, -14), (-88, -366, -18), knots((0, 18, 2.0, 0.35), (1, 17, 2.0, 0.35)), (Cap(8), Cap(15))),
        Tube(
            (-88, -366, -12), (-130, -398, 28),
            knots((0, 13, 2.0, 0.3), (0.5, 8, 2.0, 0.3), (1, 11, 2.0, 0.3)), (Cap(8), Cap(8)),
        ),
    ),
)  # fmt: skip
SACRUM = Bone(
    "sacrum",
    (
        Ellipsoid((-165, -545, -35), (48, 62, 28), 1.2, 0.24),
        Ellipsoid((-160, -480, -45), (26, 38, 16), 1.2, 0.22),
        Ellipsoid((-172, -625, -20), (30, 20, 26), 1.4, 0.3),
    ),
)
TALUS = Bone(
    "foot", (Ellipsoid((-1, 388, 4), (21, 17, 25), 1.4, 0.5), Ellipsoid((-8, 394, 32), (15, 13, 17), 1.4, 0.5))
)
CALCANEUS = Bone(
    "foot",
    (
        Tube(
            (4, 410, -62), (6, 412, 28),
            knots((0, 17, 17, 20, 22, 1.4, 0.5), (0.4, 18, 18, 17, 16, 1.3, 0.45), (1, 15, 15, 16, 14, 1.3, 0.5)),
            (Cap(14), Cap(8)),
        ),
        Ellipsoid((2, 402, -8), (17, 12, 18), 1.3, 0.5),
    ),
)  # fmt: skip
MIDFOOT = tuple(
    Bone("foot", (Ellipsoid(centre, radii, 1.2, 0.5),), ossified=9)
    for centre, radii in (
        ((-12, 399, 52), (16, 14, 8)),
        ((17, 412, 46), (11, 12, 19)),
        ((-18, 407, 67), (10, 13, 12)),
        ((-4, 404, 66), (8, 11, 11)),
        ((8, 407, 66), (8, 11, 12)),
    )
)
METATARSALS = tuple(
    Bone(
        "foot",
        (
            Tube(
                (x, 408 + 2 * i, 76),
                (x * 1.5, 428 + 2 * i, 140 - 5 * i),
                knots((0, w + 3, 1.2, 0.4), (0.3, w, 2.2, 0.15), (0.7, w - 0.5, 2.2, 0.15), (1, w + 2, 1.1, 0.4)),
                (Cap(5), Cap(7)),
            ),
        ),
    )
    for i, (x, w) in enumerate(((-20, 7.0), (-7, 4.5), (3, 4.5), (12, 4.5), (21, 5.0)))
)
TRUNK: tuple[Solid, ...] = (
    Tube(
        (-128, -760, -5),
        (-128, -362, -5),
        knots(
            (0, 150, 150, 85, 85, 1, 1),
            (0.6, 185, 185, 95, 88, 1, 1),
            (0.85, 192, 192, 92, 84, 1, 1),
            (1, 170, 170, 70, 70, 1, 1),
        ),
        (Cap(60), Cap(85)),
    ),
    fleshy((-250, -470, -6), (-200, 0, -6), (0, 84), (0.3, 82), (1, 52), rounding=60),
)
ANKLE: Point3 = (0.0, 376.0, 2.0)


def leg(flexion: float, foot_drop: float, *, trunk: bool) -> Limb:
    """Return the leg of an adult.

    Parameters
    ----------
    flexion
        Of the knee in radians.
    foot_drop
        How far the foot points down, in radians; 0 is a right angle to the shin.
    trunk
        Whether pelvis and the other thigh lie in the beam.
    """
    foot = [bent_bone(bone, ANKLE, foot_drop) for bone in (TALUS, CALCANEUS, *MIDFOOT, *METATARSALS)]
    lower = [bent_bone(bone, KNEE, flexion) for bone in (TIBIA, FIBULA, *foot)]
    shin = fleshy(
        (0, -30, -12),
        (0, 400, -4),
        (0, 50),
        (0.1, 53),
        (0.2, 54),
        (0.35, 57),
        (0.6, 44),
        (0.83, 31),
        (1, 33),
        rounding=45,
    )
    heel = bent_solid(Ellipsoid((2, 408, -38), (30, 28, 44)), ANKLE, foot_drop)
    sole = bent_solid(
        fleshy((0, 398, -40), (0, 424, 200), (0, 28), (0.3, 32), (0.6, 30), (1, 20), rounding=30), ANKLE, foot_drop
    )
    thigh = fleshy(
        (-10, -500, -6), (0, 50, -4), (0, 68), (0.2, 76), (0.35, 82), (0.65, 68), (0.85, 57), (1, 50), rounding=50
    )
    kneecap = bent_solid(Ellipsoid((0, -14, 4), (53, 66, 52)), KNEE, flexion / 2)
    return Limb(
        bones=(
            FEMUR,
            *lower[:2],
            bent_bone(PATELLA, KNEE, flexion / 2),
            *lower[2:],
            *((HIP_BONE, SACRUM) if trunk else ()),
        ),
        flesh=(
            thigh,
            bent_solid(shin, KNEE, flexion),
            bent_solid(heel, KNEE, flexion),
            bent_solid(sole, KNEE, flexion),
            kneecap,
            *(TRUNK if trunk else ()),
        ),
        air=(),
        joints=(
            ("knee-joint", (0.0, 0.0, 0.0)),
            ("ankle-joint", bent(ANKLE, KNEE, flexion)),
            ("hip-joint", (-42, -446, 8)),
        ),
    )
