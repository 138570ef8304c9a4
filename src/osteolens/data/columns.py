"""The 37 columns of the BTXRD metadata: names, meanings, groups, and other spellings of the names."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from osteolens.domain import Column

ColumnKind = Literal["text", "number", "flag"]


@dataclass(frozen=True, slots=True)
class ColumnSpec:
    """One column of the release: its name, what kind of value it holds, and what that value means."""

    name: str
    kind: ColumnKind
    meaning: str


SITES = (
    "hand",
    "ulna",
    "radius",
    "humerus",
    "foot",
    "tibia",
    "fibula",
    "femur",
    "hip bone",
    "ankle-joint",
    "knee-joint",
    "hip-joint",
    "wrist-joint",
    "elbow-joint",
    "shoulder-joint",
)
BENIGN_SUBTYPES = (
    "osteochondroma",
    "multiple osteochondromas",
    "simple bone cyst",
    "giant cell tumor",
    "osteofibroma",
    "synovial osteochondroma",
    "other bt",
)
MALIGNANT_SUBTYPES = ("osteosarcoma", "other mt")
SUBTYPES = BENIGN_SUBTYPES + MALIGNANT_SUBTYPES
REGIONS = ("upper limb", "lower limb", "pelvis")
VIEWS = ("frontal", "lateral", "oblique")
CENTERS = {"1": "hospitals in Guangxi", "2": "Radiopaedia", "3": "MedPix"}
GENDERS = ("F", "M")
GENDER_SPELLINGS = {"f": "F", "female": "F", "Female": "F", "m": "M", "male": "M", "Male": "M"}

_WRITTEN_OUT = {"other bt": "benign and of another kind", "other mt": "malignant and of another kind"}

COLUMNS: tuple[ColumnSpec, ...] = (
    ColumnSpec("image_id", "text", "File name of the radiograph; images and annotations are joined to it by the stem."),
    ColumnSpec("center", "text", "Where it came from: " + ", ".join(f"{k} = {v}" for k, v in CENTERS.items()) + "."),
    ColumnSpec("age", "number", "Age of the patient in years."),
    ColumnSpec("gender", "text", "Sex of the patient: F = female, M = male."),
    *(ColumnSpec(name, "flag", f"1 if the tumour lies in the {name.replace('-', ' ')}, else 0.") for name in SITES),
    ColumnSpec("tumor", "flag", "1 if the radiograph shows a primary bone tumour or tumour-like lesion, else 0."),
    ColumnSpec("benign", "flag", "1 if the tumour is benign, else 0."),
    ColumnSpec("malignant", "flag", "1 if the tumour is malignant, else 0."),
    *(
        ColumnSpec(name, "flag", f"1 if the tumour is {_WRITTEN_OUT.get(name, f'of the subtype {name}')}, else 0.")
        for name in SUBTYPES
    ),
    *(ColumnSpec(name, "flag", f"1 if the radiograph shows the {name}, else 0.") for name in REGIONS),
    *(ColumnSpec(name, "flag", f"1 if the view is {name}, else 0.") for name in VIEWS),
)
COLUMN_NAMES: tuple[str, ...] = tuple(column.name for column in COLUMNS)
FLAGS: tuple[str, ...] = tuple(column.name for column in COLUMNS if column.kind == "flag")

# Keys are as `_plain` writes them: lower case, single spaces. Spellings that differ only in case, underscores,
# hyphens or spaces need no entry.
SPELLINGS: dict[str, str] = {
    "ankle": "ankle-joint",
    "knee": "knee-joint",
    "wrist": "wrist-joint",
    "elbow": "elbow-joint",
    "shoulder": "shoulder-joint",
    "upper limbs": "upper limb",
    "lower limbs": "lower limb",
    "tumour": "tumor",
    "multiple osteochondroma": "multiple osteochondromas",
    "giant cell tumour": "giant cell tumor",
    "sex": "gender",
    "centre": "center",
    "image": "image_id",
    "imageid": "image_id",
    "file name": "image_id",
    "filename": "image_id",
    "class": "label",
}


def canonical_name(heading: str) -> str:
    """Return the column's name in the release for any known spelling; an unknown heading comes back unchanged."""
    known = {_plain(name): name for name in (*COLUMN_NAMES, Column.LABEL)} | SPELLINGS
    return known.get(_plain(heading), heading.strip())


def has_tumour_flags(headings: Iterable[str]) -> bool:
    """Tell whether the label can be worked out from the flags of the release."""
    return {"benign", "malignant"} <= set(headings)


def _plain(heading: str) -> str:
    # pandas tells repeated headings apart by a number, which must not hide the repetition.
    return re.sub(r"[\s_\-]+", " ", re.sub(r"\.\d+$", "", heading.strip())).lower()
