"""What is known of a data set besides its figures: where it comes from, under which terms, and how to cite it."""

from __future__ import annotations

from dataclasses import dataclass

from osteolens.data.cases import is_btxrd
from osteolens.data.manifest import Manifest
from osteolens.domain import Column


@dataclass(frozen=True, slots=True)
class DatasetWords:
    """Sentences on a data set.

    Attributes
    ----------
    origin, terms, labels, people
        Where the images come from; what may be done with them; who says what they show; what is known of consent.
    """

    name: str
    origin: str
    terms: str
    labels: str
    people: str


POOLED_NORMALS = (
    "Normal images of BTXRD center 1 bear no case in the release; they are grouped by sex and age only. That merges "
    "different patients, so the share of normals with a sibling in train is an upper bound."
)
_BTXRD = DatasetWords(
    name="BTXRD, the Bone Tumor X-ray Radiograph Dataset",
    origin="Radiographs of three centers: hospitals in Guangxi (center 1), Radiopaedia (center 2) and MedPix (center "
    "3). Cite Yao et al., A Radiograph Dataset for the Classification, Localization, and Segmentation of Primary Bone "
    "Tumors, Scientific Data 2025, doi 10.1038/s41597-024-04311-y; data doi 10.6084/m9.figshare.27865398.",
    terms="The pictures are not part of osteolens. The paper is under CC BY-NC-ND 4.0 and the release page under CC BY "
    "4.0; treat the pictures as non-commercial research data.",
    labels="An image is Malignant where the release marks it malignant, else Benign where it marks it benign, else "
    "Normal. The labels are those of the release and were not read again.",
    people="The pictures were released by others. The release has no patient column; the groups of images that belong "
    "together are bare numbers derived from file names in the authors' public code repository. What the patients "
    "consented to, and what was done to make the pictures anonymous, is not known from the files of this run.",
)
_OTHER = DatasetWords(
    name="A data set of its own",
    origin="The files of the run do not say where its images come from.",
    terms="The files of the run do not say under which terms the images may be used.",
    labels="The labels are those of the data set and were not read again.",
    people="What the patients consented to is not known from the files of this run.",
)


def describe_dataset(manifest: Manifest) -> DatasetWords:
    """Return the words on the data set of a manifest: BTXRD's where its images and labels are those of the release."""
    frame = manifest.frame
    labels = dict(zip(frame[Column.IMAGE_ID], frame[Column.LABEL], strict=True))
    return _BTXRD if is_btxrd(labels) else _OTHER
