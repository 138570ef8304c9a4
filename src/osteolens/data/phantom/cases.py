"""Who is on the pictures: cases with class, subtype, patient, source and views, drawn to the release's proportions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from osteolens.config import PhantomOptions
from osteolens.data.phantom.lesions import HABITS, Subtype
from osteolens.data.phantom.scenes import SCENES, Projection, Scene
from osteolens.domain import BENIGN, MALIGNANT, NORMAL
from osteolens.randomness import named_generator

BENIGN_SHARE = 0.41
MALIGNANT_SHARE, MALIGNANT_SHARE_OF_SMALL_SETS = 0.09, 0.12
SMALL_SET = 500

SUBTYPE_COUNTS: dict[Subtype, int] = {  # of the release
    "osteochondroma": 754,
    "multiple osteochondromas": 263,
    "simple bone cyst": 206,
    "giant cell tumor": 93,
    "osteofibroma": 44,
    "synovial osteochondroma": 51,
    "other bt": 115,
    "osteosarcoma": 297,
    "other mt": 45,
}
TYPICAL_AGE: dict[Subtype | None, tuple[float, float]] = {  # mean and deviation, rounded from the release
    None: (39, 20),
    "osteochondroma": (36, 20),
    "multiple osteochondromas": (18, 14),
    "simple bone cyst": (25, 20),
    "giant cell tumor": (35, 17),
    "osteofibroma": (21, 15),
    "synovial osteochondroma": (56, 16),
    "other bt": (34, 19),
    "osteosarcoma": (29, 21),
    "other mt": (32, 20),
}
SOURCES: dict[int, tuple[tuple[str, float], ...]] = {
    1: (("hospital_b", 0.42), ("hospital_y", 0.40), ("hospital_g", 0.18)),
    2: (("radiopaedia", 1.0),),
    3: (("medpix", 1.0),),
}
# Of BTXRD's tumours of center 1, as counted in its case table; its normals name no hospital and go with the benign.
TIED_SOURCES = {"normal": (547, 508, 55), "benign": (547, 508, 55), "malignant": (36, 26, 173)}
# The small centers get more than their share of malignant cases, so that each has a handful of them.
CENTER_SHARES = {"normal": (0.82, 0.13, 0.05), "benign": (0.81, 0.14, 0.05), "malignant": (0.52, 0.24, 0.24)}
VIEW_COUNTS = {"normal": (0.6, 0.4), "benign": (0.44, 0.36, 0.14, 0.06), "malignant": (0.44, 0.36, 0.14, 0.06)}
LOW_DISCREPANCY = np.array([0.6180339887498949, 0.7548776662466927])  # inverse golden ratio and plastic number
FIRST_VIEW: dict[Projection, float] = {"frontal": 0.6, "lateral": 0.3, "oblique": 0.1}
OLDEST = 88


@dataclass(frozen=True)
class Case:
    """One patient with one finding.

    Attributes
    ----------
    subtype
        None is a normal case.
    """

    number: int
    subtype: Subtype | None
    center: int
    source: str
    age: int
    gender: str
    mirror: int
    scene: Scene
    views: tuple[Projection, ...]

    @property
    def case_id(self) -> str:
        """Name of the case in the case table."""
        return f"phantom{self.number:04d}"

    @property
    def malignant(self) -> bool:
        """Whether the lesion is a malignant tumour."""
        return self.subtype is not None and HABITS[self.subtype].malignant

    @property
    def label(self) -> str:
        """Class of the case."""
        if self.subtype is None:
            return NORMAL
        return MALIGNANT if self.malignant else BENIGN


def plan_cases(options: PhantomOptions, seed: int) -> tuple[Case, ...]:
    """Return cases whose views sum to ``options.images``, in an order that tells nothing."""
    images = options.images
    generator = named_generator(seed, "phantom", "cases")
    malignant_share = MALIGNANT_SHARE if images >= SMALL_SET else MALIGNANT_SHARE_OF_SMALL_SETS
    malignant, benign = round(images * malignant_share), round(images * BENIGN_SHARE)
    drafts = [
        *_drafts(generator, "malignant", malignant),
        *_drafts(generator, "benign", benign),
        *_drafts(generator, "normal", images - malignant - benign),
    ]
    order = generator.permutation(len(drafts))
    return tuple(_draw_case(options, seed, number, drafts[int(index)]) for number, index in enumerate(order, start=1))


@dataclass(frozen=True)
class _Draft:
    kind: str
    center: int
    views: int


def _drafts(generator: np.random.Generator, kind: str, images: int) -> list[_Draft]:
    """Return cases of one class; centers and view counts follow low-discrepancy sequences: small sets keep shares."""
    drafts: list[_Draft] = []
    start = generator.random(2)
    while images > 0:
        center, views = (start + len(drafts) * LOW_DISCREPANCY) % 1
        draft = _Draft(kind, 1 + _bin(center, CENTER_SHARES[kind]), min(1 + _bin(views, VIEW_COUNTS[kind]), images))
        drafts.append(draft)
        images -= draft.views
    return drafts


def _bin(value: float, shares: tuple[float, ...]) -> int:
    """Return the index of the share in which a value 0 to 1 falls."""
    return int(np.searchsorted(np.cumsum(shares)[:-1], value, side="right"))


def _draw_case(options: PhantomOptions, seed: int, number: int, draft: _Draft) -> Case:
    generator = named_generator(seed, "phantom", "case", number)
    subtype = _draw_subtype(generator, draft.kind)
    sources = [name for name, _ in SOURCES[draft.center]]
    shares = _source_shares(draft, options.shortcuts.export_size)
    scenes = [scene for scene in SCENES if scene.name in options.sites]
    scene_shares = np.array([scene.share for scene in scenes])
    scene = scenes[int(generator.choice(len(scenes), p=scene_shares / scene_shares.sum()))]
    return Case(
        number=number,
        subtype=subtype,
        center=draft.center,
        source=sources[int(generator.choice(len(sources), p=shares))],
        age=_draw_age(generator, subtype),
        gender="M" if generator.random() < 0.56 else "F",
        mirror=1 if generator.random() < 0.5 else -1,
        scene=scene,
        views=_draw_views(generator, scene, draft.views),
    )


def _source_shares(draft: _Draft, strength: float) -> npt.NDArray[np.float64]:
    """Return the shares of a center's sources: the same for every class at strength 0, as in the release at 1."""
    shares = np.array([share for _, share in SOURCES[draft.center]])
    if len(shares) == 1:
        return shares
    tied = np.array(TIED_SOURCES[draft.kind], dtype=float)
    return np.asarray((1 - strength) * shares + strength * tied / tied.sum())


def _draw_subtype(generator: np.random.Generator, kind: str) -> Subtype | None:
    if kind == "normal":
        return None
    names = [name for name in SUBTYPE_COUNTS if HABITS[name].malignant == (kind == "malignant")]
    counts = np.array([SUBTYPE_COUNTS[name] for name in names], dtype=float)
    return names[int(generator.choice(len(names), p=counts / counts.sum()))]


def _draw_age(generator: np.random.Generator, subtype: Subtype | None) -> int:
    while True:
        age = round(generator.normal(*TYPICAL_AGE[subtype]))
        if 1 <= age <= OLDEST:
            return age


def _draw_views(generator: np.random.Generator, scene: Scene, count: int) -> tuple[Projection, ...]:
    """Return distinct projections first, then further frontal ones."""
    shares = np.array([FIRST_VIEW[projection] for projection in scene.projections])
    order = generator.choice(len(shares), size=len(shares), replace=False, p=shares / shares.sum())
    views = [scene.projections[int(index)] for index in order][:count]
    return tuple(views + ["frontal"] * (count - len(views)))
